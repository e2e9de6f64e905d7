"""The tokenizer of micro-smolvlm: byte-level BPE over the micro-world's own prompts, with SmolVLM's special tokens."""

from collections.abc import Iterator

from num2words import num2words
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import TokenizersBackend

from framedex.microworld.questions import draw_questions
from framedex.microworld.seeds import generator
from framedex.microworld.smolvlm.stories import FRAMES_PER_STORY
from framedex.microworld.things import COLOURS, FILLER_WORDS, TEXTURES, THINGS
from framedex.mllm.smolvlm import answer_text, prompt_text

MAX_TOKENS = 1024
END_OF_TEXT = "<|endoftext|>"
# The tokens of SmolVLM's own tokenizer that its processor, its chat template or generation name.
_NAMED_TOKENS = {
    "fake_image_token": "<fake_token_around_image>",
    "image_token": "<image>",
    "global_image_token": "<global-img>",
    "end_of_utterance_token": "<end_of_utterance>",
    "video_token": "<video>",
}
_TURN_START = "<|im_start|>"
_VOCABULARY_LIMIT = 640
_CORPUS_SEED, _CORPUS_PROMPTS = 0, 600


def train_tokenizer() -> TokenizersBackend:
    """Train the tokenizer; any text can be encoded, as every byte is a token."""
    special = [END_OF_TEXT, _TURN_START, *_NAMED_TOKENS.values()]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY_LIMIT,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    return TokenizersBackend(
        tokenizer_object=tokenizer,
        bos_token=_TURN_START,
        eos_token=_NAMED_TOKENS["end_of_utterance_token"],
        pad_token=END_OF_TEXT,
        extra_special_tokens=_NAMED_TOKENS,
        padding_side="left",
        model_max_length=MAX_TOKENS,
        clean_up_tokenization_spaces=False,
    )


def _corpus() -> Iterator[str]:
    """Yield prompts as they are put to the model, and on their own the words that must be one token each."""
    rng = generator(_CORPUS_SEED, "asks", 0)
    words = sorted({*COLOURS, *TEXTURES, *FILLER_WORDS, *(num2words(n + 1) for n in range(FRAMES_PER_STORY))})
    for number in range(_CORPUS_PROMPTS):
        things = [THINGS[index] for index in rng.choice(len(THINGS), size=4, replace=False)]
        for question in draw_questions(things, rng):
            times_s = [float(rng.integers(60 * 10)) for _ in range(1 + number % FRAMES_PER_STORY)]
            yield prompt_text(
                question.question,
                question.options(0),
                scoring="option",
                seq_len=1,
                times_s=times_s,
                duration_s=times_s[-1],
            )
            yield answer_text(question.declarative)
        yield "".join(answer_text(word) for word in words)
