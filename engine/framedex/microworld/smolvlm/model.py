"""micro-smolvlm: a SmolVLM small enough to train on two cores, seeing through micro-siglip's vision tower."""

from transformers import (
    LlamaConfig,
    SiglipModel,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
    SmolVLMVisionConfig,
    TokenizersBackend,
)

from framedex.microworld.frames import TOWER_SIZE
from framedex.microworld.smolvlm.tokenizer import MAX_TOKENS

_WIDTH = 128
_LAYERS, _HEAD_WIDTH = 4, 32
_PIXEL_SHUFFLE = 2
# Near one over the root of the width: with Llama's 0.02 this narrow model did not learn to look for a thing.
_INITIAL_SPREAD = 0.08


def build_model(tokenizer: TokenizersBackend, siglip: SiglipModel) -> SmolVLMForConditionalGeneration:
    """Return a float32 model of about 1.6 million parameters with `siglip`'s vision tower in it, frozen.

    The other weights come from torch's global generator.
    """
    vision = siglip.config.vision_config
    image_token_id = tokenizer.convert_tokens_to_ids(tokenizer.image_token)
    config = SmolVLMConfig(
        vision_config=SmolVLMVisionConfig(
            hidden_size=vision.hidden_size,
            intermediate_size=vision.intermediate_size,
            num_hidden_layers=vision.num_hidden_layers,
            num_attention_heads=vision.num_attention_heads,
            image_size=vision.image_size,
            patch_size=vision.patch_size,
        ).to_dict(),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=_WIDTH,
            intermediate_size=3 * _WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=_WIDTH // _HEAD_WIDTH,
            num_key_value_heads=_WIDTH // _HEAD_WIDTH,
            max_position_embeddings=MAX_TOKENS,
            initializer_range=_INITIAL_SPREAD,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=True,
        ).to_dict(),
        scale_factor=_PIXEL_SHUFFLE,
        image_token_id=image_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    model = SmolVLMForConditionalGeneration(config)
    tower = {name: value for name, value in siglip.vision_model.state_dict().items() if not name.startswith("head.")}
    model.model.vision_model.load_state_dict(tower)
    model.model.vision_model.requires_grad_(False)
    return model


def image_processor() -> SmolVLMImageProcessorPil:
    """The preprocessing: frames as a whole, first to a longest edge of four towers, then to the tower's square."""
    return SmolVLMImageProcessorPil(
        size={"longest_edge": 4 * TOWER_SIZE}, max_image_size={"longest_edge": TOWER_SIZE}, do_image_splitting=False
    )


def visual_tokens_per_frame(model: SmolVLMForConditionalGeneration) -> int:
    """How many placeholders a frame takes in the prompt."""
    return int(model.model.image_seq_len)
