// framedex._native.select_many.
#include "framedex/select.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "topics.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace framedex {

namespace {

// What a sampler is told, by name.
class Parameters {
  public:
    explicit Parameters(nb::dict values) : values_(std::move(values)) {}

    template <typename T>
    T of(const char* name) const {
        T value;
        if (!values_.contains(name) || !nb::try_cast<T>(values_[name], value)) {
            throw nb::value_error((std::string("[select_many] sampler: expected a value for ") + name).c_str());
        }
        return value;
    }

    bool has(const char* name) const { return values_.contains(name); }

  private:
    nb::dict values_;
};

template <typename T>
T one_of(const Parameters& parameters, const char* name, std::initializer_list<std::pair<const char*, T>> choices) {
    const auto given = parameters.of<std::string>(name);
    for (const auto& [text, value] : choices) {
        if (given == text) {
            return value;
        }
    }
    throw nb::value_error((std::string("[select_many] sampler: there is no ") + name + " '" + given + "'").c_str());
}

rules::Window window_of(const Parameters& given, bool highest) {
    using rules::Statistic;
    const auto statistic = one_of<Statistic>(given, "statistic", {{"mean", Statistic::mean}, {"max", Statistic::max}});
    return {highest, statistic, given.of<std::size_t>("length"), std::max<std::size_t>(1, given.of<std::size_t>("stride"))};
}

rules::Drop drop_of(const Parameters& given) {
    using rules::Base;
    using rules::By;
    return {
        .base = one_of<Base>(
            given, "base",
            {{"uniform", Base::uniform}, {"random", Base::random}, {"top", Base::top}, {"bottom", Base::bottom}}),
        .by = one_of<By>(given, "by", {{"lowest", By::lowest}, {"highest", By::highest}, {"random", By::random}}),
        .numerator = given.of<std::uint32_t>("numerator"),
        .denominator = std::max<std::uint32_t>(1, given.of<std::uint32_t>("denominator")),
        .base_draw = given.of<std::size_t>("base_draw"),
        .by_draw = given.of<std::size_t>("by_draw"),
    };
}

Sampler sampler_of(const nb::dict& dict) {
    const Parameters given(dict);
    const auto rule = given.of<std::string>("rule");
    if (rule == "uniform") return rules::Uniform{};
    if (rule == "uniform-ends") return rules::UniformEnds{};
    if (rule == "random") return rules::Random{given.of<std::size_t>("draw")};
    if (rule == "top") return rules::Extreme{true};
    if (rule == "bottom") return rules::Extreme{false};
    if (rule == "threshold")
        return rules::Threshold{given.has("tau") ? std::optional(given.of<double>("tau")) : std::nullopt};
    if (rule == "window-top") return window_of(given, true);
    if (rule == "window-bottom") return window_of(given, false);
    if (rule == "drop") return drop_of(given);
    if (rule == "aks") {
        return rules::Aks{given.of<double>("t1"), given.of<double>("t2"),
                          std::min<std::size_t>(30, given.of<std::size_t>("depth")), given.of<bool>("strict")};
    }
    if (rule == "bolt") return rules::Bolt{given.of<double>("power"), given.of<bool>("strict")};
    if (rule == "qframe") return rules::QFrame{given.of<double>("tau"), given.of<std::size_t>("draw")};
    if (rule == "mmr") return rules::Mmr{given.of<double>("share")};
    throw nb::value_error(("[select_many] sampler: there is no rule '" + rule + "'").c_str());
}

void check_draws(const Sampler& sampler, std::size_t draws) {
    std::size_t most = 0;
    if (const auto* random = std::get_if<rules::Random>(&sampler)) {
        most = random->draw + 1;
    } else if (const auto* qframe = std::get_if<rules::QFrame>(&sampler)) {
        most = qframe->draw + 1;
    } else if (const auto* drop = std::get_if<rules::Drop>(&sampler)) {
        most = std::max(drop->base == rules::Base::random ? drop->base_draw + 1 : 0,
                        drop->by == rules::By::random ? drop->by_draw + 1 : 0);
    }
    if (most > draws) {
        throw nb::value_error(
            ("[select_many] draws: expected " + std::to_string(most) + " or more, got " + std::to_string(draws)).c_str());
    }
}

using Shapes = nb::ndarray<nb::ro, std::int64_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

void append_json(nb::handle text, const std::string& subject, std::string& to) {
    if (!PyUnicode_Check(text.ptr())) {
        throw nb::type_error(("[select_many] " + subject + ": expected text").c_str());
    }
    Py_ssize_t size = 0;
    const char* characters = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (characters == nullptr) {
        throw nb::python_error();
    }
    append_json_text({characters, static_cast<std::size_t>(size)}, to);
}

// The arrays of all videos, held while they are read.
class Videos {
  public:
    explicit Videos(const Shapes& shapes) : curves_(shapes.shape(0)) {
        std::size_t prompts = 0;
        const std::int64_t* shape = shapes.data();
        for (Curves& video : curves_) {
            if (shape[0] < 0 || shape[1] < 1 || shape[1] > INT32_MAX) {
                const std::string which = std::to_string((shape - shapes.data()) / 2);
                throw nb::value_error(("video " + which +
                                       ": expected prompts of 0 or more and frames from 1 to 2^31 - 1, got " +
                                       std::to_string(shape[0]) + " and " + std::to_string(shape[1]))
                                          .c_str());
            }
            video.prompts = static_cast<std::size_t>(shape[0]);
            video.frames = static_cast<std::size_t>(shape[1]);
            prompts += video.prompts;
            shape += 2;
        }
        ends_.assign(prompts + 1, 0);
        prompts = 0;
        for (Curves& video : curves_) {
            video.text_ends = ends_.data() + prompts;
            prompts += video.prompts;
        }
    }

    // The JSON of what each prompt's draws depend on beside seed and sampler; "" for parts that are not given.
    void take_texts(const nb::object& videos, const nb::object& questions, const nb::object& variants) {
        std::size_t prompt = 0;
        for (std::size_t i = 0; i < curves_.size(); ++i) {
            std::string video = "\"\"";
            if (!videos.is_none()) {
                video.clear();
                append_json(part(videos, i, curves_.size(), "videos"), "videos", video);
            }
            const std::size_t prompts = curves_[i].prompts;
            const nb::object asked = questions.is_none() ? nb::none() : part(questions, i, curves_.size(), "questions");
            const nb::object varied = variants.is_none() ? nb::none() : part(variants, i, curves_.size(), "variants");
            for (std::size_t p = 0; p < prompts; ++p) {
                texts_ += video;
                for (const auto& [each, subject] : {std::pair{&asked, "questions"}, std::pair{&varied, "variants"}}) {
                    texts_ += ',';
                    if (each->is_none()) {
                        texts_ += "\"\"";
                    } else {
                        append_json(part(*each, p, prompts, subject), subject, texts_);
                    }
                }
                ends_[++prompt] = static_cast<std::int64_t>(texts_.size());
            }
        }
    }

    void take_scores(const nb::sequence& arrays) {
        each(arrays, "scores", [&](Curves& video, const Array& array, const std::string& name) {
            const FloatRows rows = curves_of(array, name);
            if (rows.rows != video.prompts || rows.cols != video.frames) {
                throw nb::value_error((name + ": expected shape (" + std::to_string(video.prompts) + ", " +
                                       std::to_string(video.frames) + "), got (" + std::to_string(rows.rows) + ", " +
                                       std::to_string(rows.cols) + ")")
                                          .c_str());
            }
            video.scores = rows.data;
            video.wide = rows.wide;
        });
    }

    // Looked at and not kept.
    void check_times(const nb::sequence& arrays) {
        each(arrays, "pts_us", [](Curves& video, const Array& array, const std::string& name) {
            check_increasing(array, video.frames, name);
        });
        held_.clear();
    }

    void take_embeddings(const nb::sequence& arrays) {
        each(arrays, "embeddings", [](Curves& video, const Array& array, const std::string& name) {
            video.embeddings = frames_of(array, name);
            if (video.embeddings.rows != video.frames) {
                throw nb::value_error((name + ": expected " + std::to_string(video.frames) + " rows, got " +
                                       std::to_string(video.embeddings.rows))
                                          .c_str());
            }
        });
    }

    std::span<const Curves> curves() const { return curves_; }
    std::string_view texts() const { return texts_; }

  private:
    static nb::object part(const nb::object& of, std::size_t at, std::size_t count, const std::string& subject) {
        const auto parts = nb::cast<nb::sequence>(of);
        if (nb::len(parts) != count) {
            throw nb::value_error(("[select_many] " + subject + ": expected " + std::to_string(count) + ", got " +
                                   std::to_string(nb::len(parts)))
                                      .c_str());
        }
        return nb::object(parts[at]);
    }

    template <typename Take>
    void each(const nb::sequence& arrays, const std::string& subject, Take take) {
        if (nb::len(arrays) != curves_.size()) {
            throw nb::value_error(("[select_many] " + subject + ": expected those of " + std::to_string(curves_.size()) +
                                   " videos, got " + std::to_string(nb::len(arrays)))
                                      .c_str());
        }
        std::string name = subject + " of video ";
        const std::size_t stem = name.size();
        for (std::size_t i = 0; i < curves_.size(); ++i) {
            name.resize(stem);
            name += std::to_string(i);
            Array array;
            if (!nb::try_cast<Array>(arrays[i], array)) {
                throw nb::type_error((name + ": expected an array").c_str());
            }
            take(curves_[i], array, name);
            held_.push_back(std::move(array));
        }
    }

    std::vector<Curves> curves_;
    std::vector<Array> held_;
    std::string texts_;
    std::vector<std::int64_t> ends_;
};

nb::tuple select_all(const nb::sequence& samplers, const std::vector<std::size_t>& budgets, const Shapes& shapes,
                     const nb::object& pts_us, const nb::object& scores, const nb::object& embeddings,
                     const nb::object& videos_named, const nb::object& questions, const nb::object& variants,
                     const std::vector<std::string>& seeds, const std::vector<std::string>& draws, int threads,
                     const std::string& level) {
    check_threads(threads, "select_many");
    const SimdLevel simd = level_of(level, "select_many");
    if (budgets.empty() || seeds.empty() || std::find(budgets.begin(), budgets.end(), 0) != budgets.end()) {
        throw nb::value_error("[select_many] expected budgets of 1 or more, and a seed or more");
    }
    std::vector<Sampler> rules;
    bool scores_read = false;
    bool embeddings_read = false;
    for (nb::handle sampler : samplers) {
        rules.push_back(sampler_of(nb::cast<nb::dict>(sampler)));
        check_draws(rules.back(), draws.size());
        scores_read |= reads_scores(rules.back());
        embeddings_read |= reads_embeddings(rules.back());
    }
    if ((scores_read && scores.is_none()) || (embeddings_read && embeddings.is_none())) {
        throw nb::value_error("[select_many] expected the scores or embeddings that a sampler reads, got None");
    }
    Videos videos(shapes);
    if (!pts_us.is_none()) {
        videos.check_times(nb::cast<nb::sequence>(pts_us));
    }
    if (!draws.empty()) {
        videos.take_texts(videos_named, questions, variants);
    }
    if (!scores.is_none()) {
        videos.take_scores(nb::cast<nb::sequence>(scores));
    }
    if (!embeddings.is_none()) {
        videos.take_embeddings(nb::cast<nb::sequence>(embeddings));
    }
    const Wanted wanted{rules, budgets, seeds, draws, videos.texts()};
    Selections found;
    {
        nb::gil_scoped_release released;
        found = select_many(videos.curves(), wanted, threads, simd);
    }
    return nb::make_tuple(give(std::move(found.rows), {found.rows_count}),
                          give(std::move(found.offsets), {found.count + 1}), found.wrong_curve, found.wrong_video);
}

}  // namespace

void bind_select(nb::module_& m) {
    m.def("select_many", &select_all, nb::kw_only(), "samplers"_a, "budgets"_a, "shapes"_a, "pts_us"_a.none(),
          "scores"_a.none(), "embeddings"_a.none(), "videos"_a.none(), "questions"_a.none(), "variants"_a.none(), "seeds"_a,
          "draws"_a, "threads"_a, "level"_a = "");
}

}  // namespace framedex
