"""Why a command was refused, in Chinese and English: the one catalogue of what closure answers to people.

A reason names the thing, the value and the next act. Both languages stand in one line, `中文 / English`, because whoever reads it (a
console, the command line, another system) shows it as it is. Names of commands, units and fields stay as they are written in commands.
"""

from collections.abc import Iterable
from enum import Enum

from incidents.vocabulary import Role, State

STATES = {
    State.HELD: "暂存待证",
    State.REPORTED: "待立案",
    State.VERIFYING: "待核实",
    State.FILED: "待派遣",
    State.DISPATCHED: "待接单",
    State.HANDLING: "处置中",
    State.CHECKING: "待核查",
    State.CHECKED: "待结案",
    State.SUSPENDED: "挂账",
    State.CLOSED: "已结案",
    State.NOT_FILED: "不予立案",
    State.VOID: "作废",
    State.MERGED: "已并案",
}
ROLES = {
    Role.COLLECTOR: "监督员",
    Role.ACCEPTOR: "受理员",
    Role.SHIFT_LEAD: "值班长",
    Role.DISPATCHER: "派遣员",
    Role.UNIT: "处置部门",
    Role.CHECKER: "核查员",
    Role.ARBITER: "裁定人",
    Role.LEADER: "领导",
    Role.AUDITOR: "审计",
    Role.OPS: "运维",
    Role.RESIDENT: "市民",
    Role.SYSTEM: "系统",
}


class Why(Enum):
    """A reason in both languages; `say` fills in the values."""

    # the way of a case
    UNKNOWN_CASE = "案件 {case} 不存在，可能已结束归档", "unknown case {case}; it may be over and forgotten"
    MISSING_YEAR = (
        "城市日历没有 {year} 年，期限无法计算；请在 calendar.toml 补录该年放假安排",
        "the calendar does not know {year}, so the deadline cannot be counted; add the year's official notice to calendar.toml",
    )
    FORGOTTEN = "案件已结束并归档，请重新上报", "the case is over and forgotten; report it anew"
    NOT_FROM_HERE = (
        "案件处于{state}，仅在{starts_zh}时可用；{role_zh}现在可以：{offered}",
        "the case is {key}, this is possible when it is {starts}; as {role} you may now: {offered}",
    )
    NOT_YOURS = (
        "{role_zh}无此权限，限{may_zh}；{role_zh}现在可以：{offered}",
        "role {role} may not, {may} may; as {role} you may now: {offered}",
    )
    OTHER_REVISION = (
        "案件已由他人变更：{last_zh}（预期修订号 {expected}，现为 {actual}）；请重新读取",
        "expected revision {expected}, the case is at {actual}, last {last}; read it again",
    )
    OTHER_SEQUENCE = (
        "案件已有变更：{last_zh}（预期序号 {expected}，现为 {actual}）；请重新读取",
        "expected sequence {expected}, the case is at {actual}, last {last}; read it again",
    )
    UNREADABLE = "无法识别的指令（{reason}）：{detail}", "not a command ({reason}): {detail}"
    # words and evidence
    NO_REASON = "请在 reason 中说明原因", "say why, in `reason`"
    NO_WORDS = "请在 note 中填写内容", "say something, in `note`"
    NO_EVIDENCE = "请附证据：至少一项含 sha256 或 url", "attach evidence: at least one item with `sha256` or `url`"
    NO_FINDING = "请附证据，或在 note 中说明现场情况", "attach evidence, or say in `note` what was found"
    NO_DEED = (
        "请在 note 中说明处理结果：已劝诫，或已移交何处；或附证据",
        "say in `note` what was done: warned, or handed to whom; or attach evidence",
    )
    BAD_HASH = "sha256 {given} 无效，应为 64 位十六进制", "`sha256` {given} is no hash: 64 hexadecimal digits, as intake gave it"
    EARLY_PHOTO = (
        "照片摄于 {taken}，早于派遣时间 {dispatched}；请提供处置后的照片",
        "the picture was taken {taken}, before the dispatch at {dispatched}; attach one taken afterwards",
    )
    FAR_PHOTO = (
        "照片距案件位置 {metres} 米，超过 {most} 米；请在现场重拍",
        "the picture was taken {metres} m from the case, at most {most} m; take it on site",
    )
    NO_POSITION = (
        "照片没有位置信息；请打开定位重拍，或在 note 中说明拍摄地点及原因",
        "the picture does not say where it was taken; take it anew with location on, or say in `note` where, and why it does not",
    )
    NO_HASH = (
        "请先上传照片（POST /api/v1/evidence），再在 evidence 中填写其 sha256",
        "upload the picture first (POST /api/v1/evidence), then name its `sha256` in `evidence`",
    )
    UNKNOWN_PICTURE = (
        "系统中没有照片 {sha256}…；请先上传，再提交",
        "there is no picture {sha256}... that you may use; upload it first, then give the command again",
    )
    USED_PICTURE = (
        "照片 {sha256}… 已用于另一案件的处置或核查；请为本案重新拍摄",
        "the picture {sha256}... is proof of another case already; take one for this case",
    )
    # parties
    OTHER_UNIT = "仅限 {theirs} 操作，您代表 {mine}", "only unit {theirs} may; you act for {mine}"
    OWN_WORK = "{actor} 是处置人，须由他人操作", "{actor} handled it; somebody else must"
    OWN_UNITS_WORK = "{unit} 是处置部门，须由另一方操作", "unit {unit} handled it; another party must"
    PARTS_LEFT = (
        "协办部门 {units} 尚未反馈其工作，主办部门须待其完成",
        "assisting unit {units} has not reported its part; the lead has handled it when all have",
    )
    NOT_REPORTER = (
        "{actor} 不是本案上报人；仅限上报人，或由{may_zh}操作",
        "{actor} did not report it; only who reported it, or a {may}, may",
    )
    NO_PERSON = "没有市民上报此案；请由{may_zh}处理", "no person reported it; a {may} may act instead"
    NOT_ABOVE = (
        "{unit} 属{mine}级，案件属{its}级；只能由上级操作",
        "{unit} is of level {mine}, the case of level {its}; only a level above may",
    )
    UNANSWERED = "{leaders} 的批示尚未回复；请先用 note 回复", "the note of {leaders} is unanswered; answer it with `note` first"
    # filing
    BY_PERSON = "{category} 类案件须由值班长结案", "category {category} is closed by a shift lead"
    NOT_BY_SOURCE = "{category} 类案件不因来源解除而结案", "category {category} does not end because its source says so"
    SEEN_AGAIN = "处置后再次发现，须由值班长查看", "it was seen again after the handling: a shift lead must look"
    UNKNOWN_CATEGORY = "未知类别 {category}，请从类别目录中选择", "unknown category {category!r}; the catalogue lists them, recategorise it"
    NO_CATEGORY = "请指定类别 category", "name the category"
    UNKNOWN_CONDITION = "{category} 没有立案条件 {named}，可选：{keys}", "unknown condition {named!r} of {category}; it has {keys}"
    # dispatch
    NO_UNIT = "请指定处置部门 unit", "name the unit"
    UNKNOWN_UNIT = "未知部门 {unit}，见 units.toml", "unknown unit {unit!r}; the city's units.toml lists them"
    RETURNED_IT = "{unit} 已退回此案，请另选部门", "unit {unit} returned it; choose another"
    ARBITRATED = "已裁定由 {unit} 处置", "the arbiter decided on unit {unit}"
    TO_ARBITER = "{n} 个部门已退回（{units}），须由裁定人决定", "{n} units returned it ({units}): the arbiter must decide"
    NO_DISPUTE = "退回 {least} 次后方可裁定，现为 {n} 次；请直接派遣", "the arbiter decides after {least} returns, it has {n}: dispatch it"
    # more time
    NO_LIMIT = "没有正在计时的时限", "no limit is running"
    OVERDUE = "已于 {due} 超期，超期案件不得延期", "it is overdue since {due}; an overdue case is not extended"
    EXTENDED = "已延期 {n} 次，请改为申请挂账", "it was extended {n} times; ask for suspension instead"
    EXTENSION_ASKED = "延期申请待批，请等待派遣员", "an extension is asked for already; wait for the dispatcher"
    NO_EXTENSION_ASKED = "处置部门未申请延期", "the unit has not asked for an extension"
    SUSPENDED_BEFORE = "已挂账过，每案仅可挂账一次", "it was suspended before; a case is suspended once"
    SUSPENSION_ASKED = "挂账申请待批，请等待派遣员", "a suspension is asked for already; wait for the dispatcher"
    NO_SUSPENSION_ASKED = "处置部门未申请挂账", "the unit has not asked for a suspension"
    TOO_LONG = "挂账至 {until} 无效：须在将来且不超过 {days} 天", "`until` {until} must be ahead and within {days} days"
    # afterwards
    WINDOW_OVER = "案件已于 {ended} 结案，超过 {days} 天；请重新上报", "it closed on {ended}, more than {days} days ago: report it anew"
    RATING = "rating 应为 1 至 5，现为 {rating}", "`rating` must be 1 to 5, it is {rating}"
    APPEALED = "已申诉过，每案仅可申诉一次", "it was appealed before; a case is appealed once"
    NO_APPEAL = "处置部门未申诉", "the unit has not appealed"
    APPEAL_OVER = "申诉已有结论：{zh}", "the appeal was {en} already"
    APPEAL_AGREED = "{role_zh}已同意，须由另一方决定", "the {role} agreed already; the other one must decide"
    NO_VOICE = "请填写 upheld：true 或 false", "say `upheld`: true or false"
    # levels
    NOT_ESCALATED = "案件未升级", "it is not escalated"
    ESCALATED_HIGHER = (
        "{unit} 属{mine}级，案件已升级至{its}级；须由该级或上级签收",
        "{unit} is of level {mine}, the case went up to level {its}; that level or one above acknowledges it",
    )
    TOP = "案件已在最高层级（{level}）", "it is with the highest level already ({level})"
    UNKNOWN_LEVEL = "未知层级 {level}，本市有 {levels}", "unknown level {level!r}; the city has {levels}"
    SAME_LEVEL = "案件已在 {level} 级", "it is at level {level} already"
    ONLY_UP = (
        "退回的案件只能改派或上交：{level} 不在 {its} 之上",
        "what a unit returned is dispatched again or goes up: {level} is not above {its}",
    )
    # other cases
    NO_TARGET = "请在 into 中指定并入的案件", "name the case to merge into, in `into`"
    ITSELF = "案件不能并入自身", "a case cannot be merged into itself"
    UNKNOWN_TARGET = "案件 {into} 不存在", "unknown case {into}"
    ENDED_TARGET = "{into} 处于{state}，只能并入在办案件", "{into} is {key}; merge only into an open case"
    BUSY_TARGET = (
        "本案或 {into} 正在并案；请重新查看两案",
        "this case or {into} is being merged at this moment; look at both again",
    )
    NO_OTHER = "请在 other 中指定另一案件", "name another case, in `other`"
    NOT_SUGGESTED = "{other} 不在疑似重复之列，请用 merge", "{other} is not among its suggested duplicates; use merge"
    NOT_RUNNING = "时限 {deadline} 已不在计时", "deadline {deadline} is not running any more"
    ONLY_INTAKE = (
        "只有接收环节可以说明发现情况，请上报到 incidents.reported",
        "only intake says what was seen; report it to incidents.reported",
    )
    NO_OPENING = (
        "首次发现须含 opening 及目录中的类别",
        "a first sight needs an `opening` with a category of the catalogue",
    )

    def say(self, **values: object) -> str:
        """The reason with its values, Chinese / English.

        >>> Why.RETURNED_IT.say(unit="clean-1")
        'clean-1 已退回此案，请另选部门 / unit clean-1 returned it; choose another'
        """
        zh, en = self.value
        return f"{zh.format(**values)} / {en.format(**values)}"


def states(found: Iterable[State]) -> str:
    """Their Chinese names."""
    return "、".join(STATES[each] for each in found)


def roles(found: Iterable[Role]) -> str:
    """Their Chinese names."""
    return "、".join(ROLES[each] for each in found)
