"""Saving micro-smolvlm as a Hugging Face checkpoint folder."""

import json
from pathlib import Path

from transformers import SmolVLMForConditionalGeneration, TokenizersBackend

from framedex.microworld.smolvlm.model import image_processor, visual_tokens_per_frame

BUNDLED = Path(__file__).parents[1] / "models" / "micro-smolvlm" / "checkpoint"

# Renders what transformers' own template for SmolVLM renders: one turn a line, media as one placeholder each.
_CHAT_TEMPLATE = (
    "<|im_start|>{%- for message in messages -%}"
    "{{ message.role | capitalize }}:{{ '' if message.content[0].type == 'image' else ' ' }}"
    "{%- for part in message.content -%}"
    "{{ part.text if part.type == 'text' else '<' ~ part.type ~ '>' }}"
    "{%- endfor -%}"
    "{{ '<end_of_utterance>\\n' }}"
    "{%- endfor -%}"
    "{{ 'Assistant:' if add_generation_prompt else '' }}"
)


def save_checkpoint(model: SmolVLMForConditionalGeneration, tokenizer: TokenizersBackend, folder: Path) -> None:
    """Write weights in the model's dtype, tokenizer, chat template and processor files into `folder`.

    transformers saves a whole SmolVLMProcessor only where torchvision runs, as its video processor needs it; the same fields are
    written out here.
    """
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor = image_processor()
    processor.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(_CHAT_TEMPLATE, encoding="utf-8")
    fields = {"image_seq_len": visual_tokens_per_frame(model), "processor_class": "SmolVLMProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
