"""What can be refused about items, departments, topics, their import and their search."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class ItemNotFound(NotFound):
    """No such item, or none yet: before its start only its editors see it."""

    code = "items.not_found"
    detail = "没有这个事项"


class VersionNotFound(NotFound):
    """The item has no such version that the caller may see."""

    code = "items.version_not_found"
    detail = "没有这个版本"


class ItemInvalid(Invalid):
    """Something that an item says cannot be; `fields` names the places."""

    code = "items.invalid"
    detail = "事项内容有误"


class ItemEnded(Conflict):
    """The item has ended; what is to be changed must be reopened first."""

    code = "items.ended"
    detail = "事项已终止"


class ItemNotEnded(Conflict):
    """Only what ends or has ended can be reopened."""

    code = "items.not_ended"
    detail = "事项并未终止，也没有终止计划"


class OtherPlace(Forbidden):
    """The item belongs to a district or department that the caller does not answer for."""

    code = "items.other_place"
    detail = "只能管理本区或本部门的事项"


class HallUnknown(Invalid):
    """The city has no such hall."""

    code = "items.hall_unknown"
    detail = "没有这个区市分厅"

    def __init__(self) -> None:
        super().__init__(fields={"hall": self.detail})


class DepartmentNotFound(NotFound):
    """No such department."""

    code = "items.department_not_found"
    detail = "没有这个部门"


class DepartmentInvalid(Invalid):
    """Something that is said of a department cannot be."""

    code = "items.department_invalid"
    detail = "部门信息有误"


class TopicNotFound(NotFound):
    """No such topic."""

    code = "items.topic_not_found"
    detail = "没有这个主题"


class TopicInvalid(Invalid):
    """Something that is said of a topic cannot be, a circle of parents among it."""

    code = "items.topic_invalid"
    detail = "主题信息有误"


class TopicInUse(Conflict):
    """Items or further topics hang on it."""

    code = "items.topic_in_use"
    detail = "仍有事项或下级主题属于该主题，不能删除"


class FileInvalid(Invalid):
    """A file that cannot be read as a table of items; the message says why and what to do about it."""

    code = "items.file_invalid"
    detail = "文件无法读取"


class ImportInvalid(Invalid):
    """What was asked for together with a file contradicts itself."""

    code = "items.import_invalid"
    detail = "导入选项有误"


class ImportGone(NotFound):
    """The import's file was deleted: it can only be sent again."""

    code = "items.import_gone"
    detail = "导入文件已过保存期限，请重新提交"


class SynonymsInvalid(Invalid):
    """A group of synonyms has from 2 to 30 different words."""

    code = "items.synonyms_invalid"
    detail = "同义词组有误"


class SynonymsExist(Conflict):
    """There is a group of these very words."""

    code = "items.synonyms_exist"
    detail = "已有相同的同义词组"


class SynonymsNotFound(NotFound):
    """No such group of synonyms."""

    code = "items.synonyms_not_found"
    detail = "没有这个同义词组"
