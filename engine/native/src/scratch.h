// Memory of one thread that is used again and again.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace framedex {

// Numbers at a multiple of 64 bytes; what they hold is lost when they grow.
template <typename T>
class Scratch {
    static_assert(std::is_trivial_v<T>);

  public:
    T* of(std::size_t count) {
        if (count > count_) {
            data_.reset(static_cast<T*>(::operator new(count * sizeof(T), kAlignment)));
            count_ = count;
        }
        return data_.get();
    }

  private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* data) const { ::operator delete(data, kAlignment); }
    };
    std::unique_ptr<T, Free> data_;
    std::size_t count_ = 0;
};

}  // namespace framedex
