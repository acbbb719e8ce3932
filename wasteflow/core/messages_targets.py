"""Wording of targets, 以用定产 and the cross-check with product output; see `core.messages`."""

from __future__ import annotations

from typing import Final

TARGET_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- why a target is not judged -----------------------------------------------------
    "qualitative": (
        "定性要求，没有数值，不作评判。",
        "a requirement in words without a number: not judged",
    ),
    "no_target_value": (
        "目标没有给出数值，不作评判。若文件另有数值，请补填 value。",
        "the target gives no value and is not judged; fill in `value` if its source has one",
    ),
    "bad_target_value": (
        "目标值或其单位无法理解：比率写成 0.75（unit 留空或 fraction）或 75（unit 为 %），"
        "数量写成吨。请更正 value 和 unit。",
        "the target's value or unit cannot be understood: a rate is 0.75 (unit blank or fraction) "
        "or 75 (unit %), an amount is in tonnes; correct `value` and `unit`",
    ),
    "year_not_begun": (
        "目标年尚未开始，又没有基准年和基准值，无法按进度评判。",
        "the target's year has not begun, and without a baseline there is no trajectory to hold "
        "the running year against",
    ),
    "reached_now_short_ahead": (
        "目前已达到目标，但按近 12 个月的进度到年底达不到。",
        "the target is reached now, but not at the year's end at the pace of the last 12 months",
    ),
    # --- 以用定产 ------------------------------------------------------------------------
    "net_new_stock_positive": (
        "新增堆存量大于零：本期产生的多于利用的。下期产生量应不超过本期利用量。",
        "net new stock is above zero: more was generated than consumed; the next period's "
        "generation should not exceed what was used in this one",
    ),
    "draw_down_behind_plan": (
        "消纳已有存量未达到计划。",
        "less old stock was drawn down than planned",
    ),
    # --- cross-check with product output ------------------------------------------------
    "generation_below_output": (
        "按产品产量和产污系数推算，产生量偏低：可能漏报。请核对产生记录与产量。",
        "less was generated than the product output and the coefficient let expect: something may "
        "be missing; check the generation entries and the output",
    ),
    "generation_above_output": (
        "按产品产量和产污系数推算，产生量偏高。请核对产生记录、产量及干湿基。",
        "more was generated than the product output and the coefficient let expect; check the "
        "generation entries, the output and the basis (wet or dry)",
    ),
    "generation_basis_unclear": (
        "产生量只在扣除游离水后落在系数区间内。请核对干湿基。",
        "generation lies inside the range only after its free water is taken off; check the basis "
        "(wet or dry)",
    ),
    "no_product_output": (
        "没有报送产品产量，无法核对产生量。请导入 products。",
        "no product output is reported, so generation cannot be checked; import products",
    ),
    "no_coefficient_range": (
        "该产品的系数没有上下限，无法核对。",
        "the coefficient of this product has neither a low nor a high end, so there is no check",
    ),
    "output_months_differ": (
        "有产生量的月份中，有些没有产品产量，核对可能不准。",
        "some months with generation have no product output, so the check may mislead",
    ),
    "unknown_product": (
        "没有以“{product}”为基数的产生系数，该产量不参与核对。请核对产品代码，"
        "或在 coefficients 补登系数。",
        "no generation coefficient has the driver “{product}”, so this output is not used in the "
        "cross-check; check the product code or register a coefficient",
    ),
}
