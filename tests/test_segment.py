"""rjieba on the hot path and jieba as its reference: the same words, but for what lies inside numbers and Latin words."""

from models.segment import Segmenter, agreement, reference_words

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


def test_the_fast_path_cuts_as_jieba_does() -> None:
    assert agreement(SAID) >= 0.99


def test_agreement_counts_words_by_place() -> None:
    with_word = Segmenter(["的质量"]).cut(["东西的质量不错"])
    assert with_word != reference_words(["东西的质量不错"]) and agreement(["东西的质量不错"]) == 1.0 and agreement([]) == 0.0


def test_a_users_word_is_kept_whole_and_nothing_is_lost() -> None:
    word = "花呗分期购"
    (cut,) = Segmenter([word]).cut([f"我的{word}用不了"])
    assert word in cut and "".join(cut) == f"我的{word}用不了"
