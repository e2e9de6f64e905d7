// SHA-256 against the examples of FIPS 180-4, and the first uniforms against those of NumPy for the same key.
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "draws.h"
#include "framedex/select.h"

namespace {

std::string hex(const std::array<std::uint8_t, 32>& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", byte);
        text += two;
    }
    return text;
}

std::string json(std::string_view text) {
    std::string made;
    framedex::append_json_text(text, made);
    return made;
}

}  // namespace

int main() {
    CHECK(hex(framedex::sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex(framedex::sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex(framedex::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hex(framedex::sha256(std::string(1000000, 'a'))) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");

    // np.random.Generator(np.random.Philox(key=int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))).random(9)
    const std::vector<double> expected{0.6500421998128748,  0.5185675843467956, 0.2758685232577466,
                                       0.27769528266488597, 0.9064267227437485, 0.8966718507365404,
                                       0.9522493308450701,  0.5836240590487325, 0.3057431409773569};
    for (std::size_t n = 1; n <= 40; ++n) {  // what is drawn first does not depend on how much is
        std::vector<double> uniforms(n);
        framedex::draw_uniforms("[0,\"\",\"\",\"\",\"\"]", n, uniforms.data());
        for (std::size_t i = 0; i < std::min(n, expected.size()); ++i) {
            CHECK(uniforms[i] == expected[i]);
        }
    }
    CHECK(json("a\"b\\c\n\x01/\x7f\xc3\xa9") == "\"a\\\"b\\\\c\\n\\u0001/\x7f\xc3\xa9\"");
    return 0;
}
