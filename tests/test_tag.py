"""What `tag` says of a text, through the tagger and through the command."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artefact import SHIPPED, ArtefactError, read_card
from models.labelled import Row
from models.lexicon import LexiconError, expand, load_lexicon
from models.segment import Segmenter, reference_words
from models.sentiment import load_sentiment
from models.tag import Judgement, Tagger, load_tagger
from models.topology import parse_topology
from models.train_category import train_category
from streams.commands.bench import command as bench
from streams.commands.tag import command

SERVICES = """
services:
- {name: pay, title: 支付, keywords: [付款, 扣款, 微信支付], aliases: [收银台], channels: [pay-group, both]}
- {name: login, title: 登录, keywords: [验证码], channels: [both]}
- {name: cart, title: 购物车, keywords: [结算]}
"""


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return load_tagger(parse_topology(SERVICES))


def _one(tagger: Tagger, text: str) -> Judgement:
    return tagger.judge([text])[0]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("付款一直失败，钱却扣了两次！", "payment"),
        ("登录不上，收不到验证码", "login"),
        ("一打开就闪退，没法用", "crash"),
        ("下单五天了还没发货，物流也不动", "delivery"),
        ("商家不给退款，拒绝退货", "refund"),
        ("刚买就降价，价格太贵了", "price"),
        ("质量太差，用两天就坏了", "quality"),
        ("客服态度恶劣，电话没人接", "attitude"),
        ("设备总是掉线，连不上网", "connection"),
        ("太失望了，再也不来了", "other"),
    ],
)
def test_a_complaint_is_negative_and_has_its_category(tagger: Tagger, text: str, category: str) -> None:
    judged = _one(tagger, text)
    assert (judged.polarity, judged.category) == (-1, category)
    assert "complaint" in judged.intents and -1 <= judged.sentiment < 0


@pytest.mark.parametrize(
    "text", ["有人吗", "在吗？", "哈哈哈哈哈", "你好！！", "😀😀😀", "", "   ", "加微信abc123456，兼职刷单日赚500"]
)
def test_chatter_is_no_complaint(tagger: Tagger, text: str) -> None:
    judged = _one(tagger, text)
    assert judged.polarity == 0 and "complaint" not in judged.intents and judged.category == ""


@pytest.mark.parametrize(
    "text",
    ["这首歌单曲循环了好几遍", "下班又堵在路上，好困", "希望以后可以合并开票", "付款可以用信用卡吗"],
)
def test_what_blames_nothing_is_not_negative(tagger: Tagger, text: str) -> None:
    assert _one(tagger, text).polarity >= 0


@pytest.mark.parametrize("text", ["非常好用，客服热情，五星好评", "发货很快，质量很好，推荐购买", "从来没有闪退过，很好用"])
def test_praise_is_positive_and_has_no_problem(tagger: Tagger, text: str) -> None:
    judged = _one(tagger, text)
    assert (judged.polarity, judged.category) == (1, "") and "praise" in judged.intents


def test_questions_and_suggestions_are_told_from_complaints(tagger: Tagger) -> None:
    assert _one(tagger, "请问怎么开发票？").polarity == 0
    assert _one(tagger, "请问怎么开发票？").intents == ("question",)
    assert "suggestion" in _one(tagger, "建议增加夜间模式").intents
    assert {"complaint", "question"} <= set(_one(tagger, "为什么总是付不了款？").intents)


def test_aspects_are_praised_and_blamed_apart(tagger: Tagger) -> None:
    found = {aspect.name: aspect.polarity for aspect in _one(tagger, "质量很好，就是物流太慢了，客服也不好").aspects}
    assert found == {"质量": 1, "物流": -1, "客服": -1}


def test_the_longest_name_decides_the_service_and_a_given_one_wins(tagger: Tagger) -> None:
    texts = ["登录时微信支付弹出来了", "验证码收不到", "天气真好啊", "page 打不开 payload", "PAY 挂了"]
    assert [each.service for each in tagger.judge(texts)] == ["pay", "login", "", "", "pay"]
    assert [each.service for each in tagger.judge(texts[:2], ["cart", ""])] == ["cart", "login"]
    with pytest.raises(ValueError, match="1 services for 2 texts"):
        tagger.judge(texts[:2], ["cart"])


def test_aliases_name_a_service_and_a_channel_hints_at_it_where_the_text_names_none(tagger: Tagger) -> None:
    texts = ["收银台打不开", "一直转圈", "验证码收不到", "一直转圈", "一直转圈"]
    channels = ["", "Pay-Group", "pay-group", "both", "weibo"]
    assert [each.service for each in tagger.judge(texts, channels=channels)] == ["pay", "pay", "login", "", ""]
    with pytest.raises(ValueError, match="1 channels for 5 texts"):
        tagger.judge(texts, channels=["weibo"])


def test_ones_own_service_model_is_asked_last_and_silent_when_unsure(tmp_path: Path) -> None:
    said = {"cart": "满减和凑单算错", "login": "扫脸进门总让我重来", "pay": "零钱转出等很久"}
    rows = [Row("", f"第{number}次{text}", name) for number in range(12) for name, text in said.items()]
    train_category({"labels": rows}, tmp_path / "service", precision=0.9)
    own = load_tagger(parse_topology(SERVICES), own=tmp_path)
    texts = ["满减和凑单算错了", "付款时满减和凑单算错", "今天天气真好啊", "满减和凑单算错了"]
    judged = own.judge(texts, ["", "", "", "other"], ["", "", "", ""])
    assert [each.service for each in judged] == ["cart", "pay", "", "other"]


def test_sentiment_is_the_models_own_and_polarity_weighs_the_problems_named(tagger: Tagger, tmp_path: Path) -> None:
    lexicon = (SHIPPED / "lexicon.yaml").read_text(encoding="utf-8")
    path = tmp_path / "lexicon.yaml"
    path.write_text(lexicon.replace("    problems: >-", "    problems: >-\n      这个"), encoding="utf-8")
    texts = ["这个收到了", "这个今天到的"]
    shipped, blaming = load_tagger().judge(texts), load_tagger(lexicon=path).judge(texts)
    assert [each.sentiment for each in shipped] == [each.sentiment for each in blaming]
    assert sum(each.polarity for each in blaming) < sum(each.polarity for each in shipped)


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("钱被扣了两次，没人管", "money_lost"),
        ("一打开就闪退，根本用不了", "cannot_use"),
        ("客服态度太差", "annoyed"),
        ("很好用，推荐", ""),
        ("请问怎么开发票？", ""),
    ],
)
def test_a_complaint_says_what_it_costs(tagger: Tagger, text: str, severity: str) -> None:
    assert _one(tagger, text).severity == severity


def test_praise_that_turns_to_blame_is_both(tagger: Tagger) -> None:
    judged = _one(tagger, "东西非常不错，我很喜欢，五星好评，就是有点卡顿")
    assert {"praise", "complaint"} <= set(judged.intents) and judged.category == "crash"
    assert "complaint" not in _one(tagger, "非常不错，就是喜欢").intents


def test_personal_data_is_in_no_field(tagger: Tagger) -> None:
    judged = _one(tagger, "客服不退款，打我电话138-1234-5678，微信号lisi_2020")
    assert judged.text == "客服不退款，打我电话[手机号]，微信号[微信号]"
    assert "1234" not in repr(judged) and "lisi" not in repr(judged)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_text_is_judged_and_the_batch_does_not_matter(texts: list[str]) -> None:
    tagger = _SHARED
    together = tagger.judge(texts)
    assert together == [tagger.judge([text])[0] for text in texts]
    assert all(-1 <= each.sentiment <= 1 and each.polarity in (-1, 0, 1) for each in together)


_SHARED = load_tagger()


@pytest.mark.parametrize(
    "text",
    [
        "好" * 100_000,
        "a" * 100_000,
        "\u200b\x00\x07<b>差</b>&nbsp;",
        "退款退貨客服態度差",
        "app crash 了 please fix",
        "\ud800坏了",
    ],
)
def test_odd_input_is_judged(tagger: Tagger, text: str) -> None:
    assert -1 <= _one(tagger, text).sentiment <= 1


def test_full_width_and_case_do_not_matter_to_sentiment(tagger: Tagger) -> None:
    narrow, wide = tagger.judge(["APP太卡了!", "ＡＰＰ太卡了！"])
    assert narrow.polarity == wide.polarity == -1
    assert abs(narrow.sentiment - wide.sentiment) < 0.1


def test_users_words_are_kept_whole_and_words_agree_with_jieba() -> None:
    text = "我在云上小铺付款失败了"
    assert "云上小铺" in Segmenter(["云上小铺"]).cut([text])[0]
    texts = ["这个手机的电池不耐用", "快递员态度很差而且送错了地方", "页面一直加载不出来", "I love this app，但是太贵了"]
    assert Segmenter().cut(texts) == reference_words(texts)


def test_terms_are_written_out() -> None:
    assert set(expand("登[录陆]?不上 (没|未)发货 ?")) == {"登录不上", "登陆不上", "登不上", "没发货", "未发货", "?"}


def test_a_wrong_lexicon_names_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.yaml"
    path.write_text("categories: {payment: {problem: x}}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"lexicon.yaml.*problem"):
        load_lexicon(path)


def test_a_lexicon_of_ones_own_may_hold_emoji_and_no_nul(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.yaml"
    path.write_text(_little("😡"), encoding="utf-8")
    (judged,) = load_tagger(lexicon=path).judge(["快递又丢了😡"])
    assert judged.category == "angry"
    for wrong in (
        _little("\\0"),
        _little("x").replace("negators: 不", 'negators: "\\0"'),
        _little("x").replace('chatter: ""', 'chatter: "\\0"'),
    ):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(LexiconError, match=r"lexicon.yaml: a term with a NUL"):
            load_lexicon(path)


def _little(problem: str) -> str:
    return (
        f'categories: {{angry: {{problems: "{problem}"}}, other: {{}}}}\naspects: {{}}\nopinion: {{}}\nnegators: 不\n'
        'neutral: ""\nintents: {}\nchatter: ""\nadvertising: ""\n'
    )


def test_an_artefact_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="missing"):
        load_sentiment(tmp_path)
    for path in SHIPPED.glob("sentiment.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    load_sentiment(tmp_path)
    array = next(tmp_path.glob("sentiment.*.npy"))
    array.write_bytes(array.read_bytes()[:-1] + b"\x55")
    with pytest.raises(ArtefactError, match="not the file its card describes"):
        load_sentiment(tmp_path)
    card = read_card(SHIPPED, "sentiment")
    assert card is not None
    (tmp_path / "sentiment.json").write_text((SHIPPED / "sentiment.json").read_text().replace(card.scheme, "older"))
    with pytest.raises(ArtefactError, match="older"):
        load_sentiment(tmp_path)


def _lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_command_answers_in_order_with_every_field(tmp_path: Path) -> None:
    services = tmp_path / "services.yaml"
    services.write_text(SERVICES, encoding="utf-8")
    given = [{"id": str(number), "text": text} for number, text in enumerate(["付款失败", "很好用", "有人吗"] * 1000)]
    stdin = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in given)
    result = CliRunner().invoke(command, ["-", "--services", str(services)], input=stdin)
    assert result.exit_code == 0, result.stderr
    answers = _lines(result.stdout)
    assert [each["id"] for each in answers] == [each["id"] for each in given]
    fields = {"id", "sentiment", "polarity", "service", "category", "intents", "aspects", "keywords", "text", "severity"}
    assert set(answers[0]) == fields | {"acceptance"}
    assert answers[0]["service"] == "pay" and answers[0]["category"] == "payment"


def test_the_command_takes_channels_a_lexicon_and_models_from_settings(tmp_path: Path) -> None:
    services, lexicon = tmp_path / "services.yaml", tmp_path / "lexicon.yaml"
    services.write_text(SERVICES, encoding="utf-8")
    shipped = (SHIPPED / "lexicon.yaml").read_text(encoding="utf-8")
    lexicon.write_text(
        shipped.replace("categories:\n", "categories:\n  parking:\n    problems: 抬杆慢 车位满\n", 1), encoding="utf-8"
    )
    stdin = json.dumps({"id": 1, "text": "停车场抬杆慢，太气人", "channel": "pay-group"}) + "\n"
    for arguments, environment in ((["--lexicon", str(lexicon)], {}), ([], {"HUIYIN_LEXICON": str(lexicon)})):
        result = CliRunner().invoke(command, ["-", "--services", str(services), *arguments], input=stdin, env=environment)
        answer = _lines(result.stdout)[0]
        assert (answer["category"], answer["service"]) == ("parking", "pay"), result.stderr
    missing = CliRunner().invoke(command, ["-"], input=stdin, env={"HUIYIN_LEXICON": str(tmp_path / "none.yaml")})
    assert missing.exit_code == 1 and "none.yaml" in missing.stderr and len(missing.stderr.splitlines()) == 1
    damaged = tmp_path / "models" / "category"
    damaged.mkdir(parents=True)
    (damaged / "category.json").write_text("{}", encoding="utf-8")
    refused = CliRunner().invoke(command, ["-", "--models", str(tmp_path / "models")], input=stdin)
    assert refused.exit_code == 1 and "category.json" in refused.stderr


ODD = {
    "empty": "",
    "blank": " \t\u3000 ",
    "emoji": "😀👨‍👩‍👧🎉",
    "long": "客服态度差，" * 16_667,
    "traditional": "客服態度惡劣，退貨也不給退",
    "mixed": "app 一直 crash，付款失败，please 修复 asap",
    "zero width": "付\u200b款\u200d失\ufeff败",
    "html": "<p>付款失败<b>！</b>&nbsp;&lt;请处理&gt;</p><script>x</script>",
    "controls": "付\x00款\x07失败\x1b[31m",
    "surrogate": "付款失败\ud800",
    "separators": "付款失败\u2028下一行\u0085又一行",
}


def test_odd_texts_come_back_in_order_as_valid_lines() -> None:
    stdin = "".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in ODD.items() if name != "surrogate")
    result = CliRunner().invoke(command, ["-"], input=stdin)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.split("\n")
    answers = {str(each["id"]): each for each in map(json.loads, filter(None, lines))}
    assert list(answers) == [name for name in ODD if name != "surrogate"]
    assert all(answers[name]["intents"] in ([], ["chatter"]) for name in ("empty", "blank", "emoji"))
    for name in ("long", "traditional", "mixed", "zero width", "html", "controls", "separators"):
        assert answers[name]["polarity"] == -1 and "complaint" in answers[name]["intents"], name
    assert answers["zero width"]["category"] == answers["controls"]["category"] == answers["html"]["category"] == "payment"
    shown = "".join(str(each["text"]) for each in answers.values())
    assert not set("\x00\x07\x1b\u200b\ufeff") & set(shown) and "<b>" not in shown
    assert load_tagger().judge([ODD["surrogate"]])[0].category == "payment"


def test_plain_text_files_are_numbered_by_line(tmp_path: Path) -> None:
    path = tmp_path / "said.txt"
    path.write_bytes("质量差\r\n\r\n不错".encode())
    result = CliRunner().invoke(command, [str(path)])
    assert [(each["id"], each["text"]) for each in _lines(result.stdout)] == [("1", "质量差"), ("2", ""), ("3", "不错")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"id": "2"}', "text"),
        ("{", "truncated"),
        ('{"text": 5}', "str"),
        ("[]", "object"),
        ("\udcff", "malformed"),
        ('{"text": "\udcff"}', "utf-8"),
    ],
)
def test_a_bad_line_is_named_after_the_good_ones(bad: str, reason: str) -> None:
    stdin = b'{"id": "1", "text": "ok"}\n' + bad.encode("utf-8", "surrogateescape") + b'\n{"id": "3", "text": "ok"}\n'
    result = CliRunner().invoke(command, ["-"], input=stdin)
    assert result.exit_code == 1
    assert [each["id"] for each in _lines(result.stdout)] == ["1"]
    assert "standard input:2:" in result.stderr and len(result.stderr.splitlines()) == 1
    assert reason.lower() in result.stderr.lower()


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path / "none.ndjson")])
    assert result.exit_code == 1 and "none.ndjson" in result.stderr


def test_speed_is_measured_beside_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / "said.txt"
    path.write_text("付款一直失败\n客服态度很好\n" * 50, encoding="utf-8")
    result = CliRunner().invoke(bench, ["tag", str(path)])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    installed = importlib.util.find_spec("snownlp") is not None
    assert ("SnowNLP: not installed" in result.stderr) == (report["snownlp"] is None) == (not installed)
    baselines = [report["jieba_scikit_learn"]] + [report["snownlp"]] * installed
    assert [report["texts"], *(each["texts"] for each in baselines)] == [100, 20, 4][: 2 + installed]
    for each in baselines:
        assert each["times"] == pytest.approx(report["per_cpu_second"] / each["per_cpu_second"], rel=0.01)
    path.write_text("只有一句\n", encoding="utf-8")
    assert "at least two texts" in CliRunner().invoke(bench, ["tag", str(path)]).output
