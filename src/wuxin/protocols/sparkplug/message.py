"""The messages of Sparkplug B, described here and read by the protobuf library.

The library reads packed and unpacked lists, fields in any order and fields of later versions, and
stops where messages are nested too deeply; a reader of our own would have to do the same, slower.
It needs only a table of numbers, names and types: there is no generated file and no .proto.

Source: Eclipse Sparkplug 3.0.0 §6.4 (payload B: fields and their numbers) and §6.4.16 (datatypes).
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from wuxin.protocols.octets import BadFrame

FRAME_BYTES: Final = 256 * 1024
METRICS: Final = 4096
"""Metrics of one message, those inside of templates not counted."""

TYPES: Final = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float",
    "Double", "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File",
    "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array", "Int32Array",
    "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array", "FloatArray",
    "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
)  # fmt: skip
"""The datatypes by their number."""

BOOLEAN: Final = TYPES.index("Boolean")
INT64: Final = TYPES.index("Int64")

_VALUES: Final = (
    "? int_value uint32", "? long_value uint64", "? float_value float", "? double_value double",
    "? boolean_value bool", "? string_value string",
)  # fmt: skip
"""What most messages begin a choice of values with; the first number differs."""


def _from(first: int) -> tuple[str, ...]:
    return tuple(text.replace("?", f"?{first + i}") for i, text in enumerate(_VALUES))


_FIELDS: Final = {  # number, name and type; * a list, ? one of several
    "Payload": (
        "1 timestamp uint64", "*2 metrics Metric", "3 seq uint64", "4 uuid string", "5 body bytes",
    ),
    "Metric": (
        "1 name string", "2 alias uint64", "3 timestamp uint64", "4 datatype uint32",
        "5 is_historical bool", "6 is_transient bool", "7 is_null bool", "8 metadata MetaData",
        "9 properties PropertySet", *_from(10), "?16 bytes_value bytes",
        "?17 dataset_value DataSet", "?18 template_value Template",
    ),
    "MetaData": (
        "1 is_multi_part bool", "2 content_type string", "3 size uint64", "4 seq uint64",
        "5 file_name string", "6 file_type string", "7 md5 string", "8 description string",
    ),
    "PropertySet": ("*1 keys string", "*2 values PropertyValue"),
    "PropertyValue": (
        "1 type uint32", "2 is_null bool", *_from(3), "?9 propertyset_value PropertySet",
        "?10 propertysets_value PropertySetList",
    ),
    "PropertySetList": ("*1 propertyset PropertySet",),
    "DataSet": ("1 num_of_columns uint64", "*2 columns string", "*3 types uint32", "*4 rows Row"),
    "Row": ("*1 elements Element",),
    "Element": _from(1),
    "Template": (
        "1 version string", "*2 metrics Metric", "*3 parameters Parameter",
        "4 template_ref string", "5 is_definition bool",
    ),
    "Parameter": ("1 name string", "2 type uint32", *_from(3)),
}  # fmt: skip


def _described() -> Any:
    """The class of Payload, in a pool of its own, so that no other user's names can collide."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b", package="b", syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for text in fields:
            number, field, kind = text.lstrip("*?").split()
            added = message.field.add(name=field, number=int(number))
            added.label = kinds.LABEL_REPEATED if text[0] == "*" else kinds.LABEL_OPTIONAL
            if kind in _FIELDS:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".b.{kind}"
            else:
                # As bytes, because the library would raise where a text is no UTF-8.
                plain = "bytes" if kind == "string" else kind
                added.type = kinds.Type.Value(f"TYPE_{plain.upper()}")
            if text[0] == "?":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("b.Payload"))


PAYLOAD: Final[Any] = _described()
"""The class of a payload, as protobuf makes it; texts in it are bytes."""


def parse(data: bytes) -> Any:
    """Read a payload.

    Raises:
        BadFrame: the bytes are no protobuf of this form, or there are too many metrics.
    """
    if len(data) > FRAME_BYTES:
        raise BadFrame(f"the payload is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    try:
        payload = PAYLOAD.FromString(data)
    except DecodeError:
        raise BadFrame("the payload is no Sparkplug B message in protobuf", "payload") from None
    if len(payload.metrics) > METRICS:
        raise BadFrame(f"there are more than {METRICS} metrics", "metrics")
    return payload


def text(data: bytes, at: str) -> str:
    """A text of a payload.

    Raises:
        BadFrame: it is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadFrame("the text is not UTF-8", at) from None
