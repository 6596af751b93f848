"""The table of differentiation: every operation of the engine by name, with its rule.

The tables it is made of, simple first: `elementwise`, `reductions`, `shapes`, `indexing`,
`products`; then those of layers, where one rule for the whole is faster: `fused`, `convolution`,
`recurrence`.
"""

from groundup.autograd.convolution import CONVOLUTION
from groundup.autograd.elementwise import ELEMENTWISE
from groundup.autograd.fused import FUSED
from groundup.autograd.indexing import INDEXING
from groundup.autograd.products import PRODUCTS
from groundup.autograd.recurrence import RECURRENCE
from groundup.autograd.reductions import REDUCTIONS
from groundup.autograd.rule import FusedRule, Rule
from groundup.autograd.shapes import SHAPES

RULES: dict[str, Rule | FusedRule] = {
    **ELEMENTWISE,
    **REDUCTIONS,
    **SHAPES,
    **INDEXING,
    **PRODUCTS,
    **FUSED,
    **CONVOLUTION,
    **RECURRENCE,
}
