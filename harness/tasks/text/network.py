"""A small causal transformer."""

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, HEADS, LAYERS = 64, 2, 2


class TokenEmbedding(nn.Embedding):
    """Starts small, so that Adam's steps count; the default has a spread of 1."""

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.normal_(self.weight, std=0.1)


class Block(nn.Module):
    """Attention to earlier tokens, then two layers for each token, both pre-norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.to_heads = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.from_heads = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.widen = nn.Linear(WIDTH, 2 * WIDTH)
        self.narrow = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``[n, positions, width]`` to the same."""
        n, positions, _ = inputs.shape
        shape = (n, positions, 3, HEADS, WIDTH // HEADS)
        heads = self.to_heads(self.norm1(inputs)).view(shape).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        inputs = inputs + self.from_heads(seen.transpose(1, 2).flatten(2))
        outputs: Tensor = inputs + self.narrow(F.gelu(self.widen(self.norm2(inputs))))
        return outputs


class SmallTransformer(nn.Module):
    """Two pre-norm layers of width 64, with the last two tokens added at the input.

    That shift lets it see pairs and triples of tokens from the first step on, which
    attention takes long to learn. The head is no second name of the embedding, so that
    every weight is one tensor.
    """

    def __init__(self, vocabulary: int, positions: int) -> None:
        super().__init__()
        self.token = TokenEmbedding(vocabulary, WIDTH)
        self.position = TokenEmbedding(positions, WIDTH)
        self.shift1 = nn.Linear(WIDTH, WIDTH, bias=False)
        self.shift2 = nn.Linear(WIDTH, WIDTH, bias=False)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``[n, positions]`` to logits ``[n, vocabulary, positions]``.

        Tokens come second, as `torch.nn.functional.cross_entropy` has classes.
        """
        each = self.token(tokens)
        before = F.pad(each, (0, 0, 2, 0))
        inputs = each + self.shift1(before[:, 1:-1]) + self.shift2(before[:, :-2])
        inputs = inputs + self.position.weight[: tokens.shape[1]]
        logits: Tensor = self.head(self.norm(self.blocks(inputs)))
        return logits.transpose(1, 2)
