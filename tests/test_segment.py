"""rjieba on the hot path and jieba as its reference: the same words, but for what lies inside numbers and Latin words."""

from models.segment import Segmenter, reference_words

SAID = [
    "付款的时候一直提示网络超时，钱扣了订单却没有生成",
    "快递三天没有更新，打客服电话也没人接，太失望了",
    "更新以后一打开就闪退，卸载重装还是一样，求解决",
    "优惠券用不了，满减活动的规则到底是什么意思？",
    "东西质量不错，包装很好，下次还会再来买的",
    "搜索半天搜不到想要的商品，页面加载特别慢",
    "验证码发了好几次都没收到，账号登录不上去",
    "退款申请被拒绝了，说好的七天无理由退货呢",
]


def _places(words: list[list[str]]) -> set[tuple[int, int, str]]:
    return {(text, sum(map(len, cut[:place])), word) for text, cut in enumerate(words) for place, word in enumerate(cut)}


def test_the_fast_path_cuts_as_jieba_does() -> None:
    fast, reference = _places(Segmenter().cut(SAID)), _places(reference_words(SAID))
    assert len(fast & reference) >= 0.99 * len(reference)


def test_a_users_word_is_kept_whole_and_nothing_is_lost() -> None:
    word = "花呗分期购"
    (cut,) = Segmenter([word]).cut([f"我的{word}用不了"])
    assert word in cut and "".join(cut) == f"我的{word}用不了"
