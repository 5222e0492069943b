"""Folders of published benchmarks in each of their layouts, with a few drawn pictures.

Each function fills a folder with questions about two pictures. `OFFICIAL` has the layouts of the
benchmarks' authors, `PARQUET` those in which the Hub has them.
"""

import base64
import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image, ImageDraw
from pyarrow import parquet

BOX = (10.0, 5.0, 30.0, 15.0)  # x1, y1, x2, y2 of the disc, in pixels of a picture of 40 x 20
XYWH = [10.0, 5.0, 20.0, 10.0]

Write = Callable[[Path], None]


def picture(colour: str = "red") -> Image.Image:
    image = Image.new("RGB", (40, 20), "white")
    ImageDraw.Draw(image).ellipse(BOX, fill=colour)
    return image


def content(colour: str = "red") -> bytes:
    file = io.BytesIO()
    picture(colour).save(file, "PNG")
    return file.getvalue()


def save(path: Path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(colour).save(path)


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def write_lines(path: Path, rows: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def write_parquet(
    path: Path, rows: Sequence[dict[str, Any]], images: Sequence[str] = ("image",)
) -> None:
    """Write rows as the `datasets` library does; a colour in an image's column is its picture."""
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in images:
            kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            cells = [None if v is None else {"bytes": content(v), "path": None} for v in values]
            columns[name] = pa.array(cells, kind)
        else:
            columns[name] = pa.array(values)
    parquet.write_table(pa.table(columns), path, row_group_size=1)


def refcoco(folder: Path) -> None:
    save(folder / "images" / "COCO_train2014_000000000001.jpg")
    instances = {
        "images": [
            {"id": 1, "file_name": "COCO_train2014_000000000001.jpg", "width": 40, "height": 20}
        ],
        "annotations": [{"id": 7, "image_id": 1, "bbox": XYWH}],
    }
    write_json(folder / "instances.json", instances)
    sentences = [{"sent_id": 1, "sent": "red disc"}, {"sent_id": 2, "sent": "disc, the red one"}]
    shared = {"image_id": 1, "ann_id": 7, "sentences": sentences}
    references = [
        {"ref_id": 1, "split": "testA", **shared},
        {"ref_id": 2, "split": "testB", **shared},
        {"ref_id": 3, "split": "train", **shared},
    ]
    (folder / "refs(unc).p").write_bytes(pickle.dumps(references, protocol=2))


def refcoco_lines(folder: Path) -> None:
    save(folder / "a.png")
    row = {"image": "data/a.png", "sent": "red disc", "bbox": list(BOX), "width": 40, "height": 20}
    write_lines(folder / "refcoco_val.jsonl", [row, row])


def refcoco_parquet(folder: Path) -> None:
    row = {"question_id": "1", "image": "red", "answer": ["red disc", "the disc"], "bbox": XYWH}
    write_parquet(folder / "testA-00000-of-00001.parquet", [row])


def pope(folder: Path) -> None:
    save(folder / "val2014" / "COCO_val2014_000000000001.jpg")
    image = "COCO_val2014_000000000001.jpg"
    rows = [
        {"question_id": 1, "image": image, "text": "Is there a disc in the image?", "label": "yes"},
        {"question_id": 2, "image": image, "text": "Is there a dog in the image?", "label": "no"},
    ]
    write_lines(folder / "coco_pope_random.json", rows)
    write_lines(folder / "coco_pope_popular.json", rows)


def pope_parquet(folder: Path) -> None:
    rows = [
        {"question": "Is there a disc?", "answer": "yes", "image": "red", "category": "random"},
        {"question": "Is there a dog?", "answer": "no", "image": "red", "category": "popular"},
    ]
    write_parquet(folder / "test-00000.parquet", rows)


def vqav2(folder: Path) -> None:
    save(folder / "val2014" / "COCO_val2014_000000000001.jpg")
    questions = [
        {"image_id": 1, "question_id": number, "question": "What colour is it?"}
        for number in (10, 11)
    ]
    answers = [{"answer": "red"}] * 9 + [{"answer": "pink"}]
    notes = [{"question_id": 10, "answers": answers, "answer_type": "other"}]
    write_json(folder / "v2_OpenEnded_mscoco_val2014_questions.json", {"questions": questions})
    write_json(folder / "v2_mscoco_val2014_annotations.json", {"annotations": notes})


def vqav2_parquet(folder: Path) -> None:
    answers = [{"answer": "red", "answer_id": number} for number in range(10)]
    row = {"question_id": 10, "image": "red", "question": "What colour?", "answers": answers}
    write_parquet(folder / "validation.parquet", [row])


def textvqa(folder: Path) -> None:
    save(folder / "train_images" / "abc.jpg")
    row = {"question_id": 1, "image_id": "abc", "question": "What does it say?"}
    write_json(folder / "TextVQA_0.5.1_val.json", {"data": [{**row, "answers": ["stop"] * 10}]})


def textvqa_parquet(folder: Path) -> None:
    row = {"question_id": 1, "image_id": "abc", "question": "What does it say?", "image": "red"}
    write_parquet(folder / "validation.parquet", [{**row, "answers": ["stop"] * 10}])


def chartqa(folder: Path) -> None:
    save(folder / "png" / "1.png")
    write_json(
        folder / "test_human.json", [{"imgname": "1.png", "query": "How many?", "label": "100"}]
    )
    write_json(
        folder / "test_augmented.json", [{"imgname": "1.png", "query": "Which?", "label": "Red"}]
    )


def chartqa_parquet(folder: Path) -> None:
    row = {"image": "red", "query": "How many?", "label": ["100"], "human_or_machine": 0}
    write_parquet(folder / "test.parquet", [row])


def docvqa(folder: Path) -> None:
    save(folder / "documents" / "a.png")
    row = {"questionId": 1, "question": "Who?", "image": "documents/a.png", "answers": ["Ann Lee"]}
    write_json(folder / "val_v1.0_withQT.json", {"dataset_name": "docvqa", "data": [row]})


def docvqa_parquet(folder: Path) -> None:
    row = {"questionId": "1", "question": "Who?", "image": "red", "answers": ["Ann Lee"]}
    write_parquet(folder / "validation.parquet", [row])


def ocrbench(folder: Path) -> None:
    save(folder / "data" / "a.png")
    rows = [
        {
            "dataset_name": name,
            "type": kind,
            "image_path": "data/a.png",
            "question": "What is written?",
            "answers": answers,
        }
        for name, kind, answers in (
            ("IIIT5K", "Regular Text Recognition", "STOP"),
            ("HME100k", "Handwritten Mathematical Expression Recognition", ["x+1"]),
        )
    ]
    write_json(folder / "OCRBench.json", rows)


def ocrbench_parquet(folder: Path) -> None:
    row = {"dataset": "IIIT5K", "question_type": "Regular Text Recognition", "answer": ["STOP"]}
    write_parquet(folder / "test.parquet", [{**row, "question": "What?", "image": "red"}])


def mmbench(folder: Path) -> None:
    encoded = base64.b64encode(content()).decode()
    header = "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\n"
    rows = [
        f"1\tWhat colour?\tLook.\tred\tblue\tgreen\tpink\tA\tcolour\t{encoded}\n",
        "2\tIs it round?\t\tyes\tno\t\t\tA\tshape\t1\n",
        "1000001\tWhat colour?\tLook.\tblue\tgreen\tpink\tred\tD\tcolour\t1\n",
    ]
    (folder / "mmbench_dev_en.tsv").write_text(header + "".join(rows), encoding="utf-8")


def mmbench_parquet(folder: Path) -> None:
    row = {"index": 1, "question": "What colour?", "hint": "nan", "A": "red", "B": "blue"}
    more = {"C": "nan", "D": "nan", "answer": "A", "category": "colour", "image": "red"}
    write_parquet(folder / "dev.parquet", [{**row, **more}])


def mmmu(folder: Path) -> None:
    shared = {"image_1": "red", "image_2": "blue"}
    rows = [
        {
            "id": "validation_Art_1",
            "question": "Compare <image 1> and <image 2>. Which is red?",
            "options": "['the first', 'the second']",
            "answer": "A",
            "question_type": "multiple-choice",
            **shared,
        },
        {
            "id": "validation_Math_2",
            "question": "How many discs are in <image 1>?",
            "options": "[]",
            "answer": "1",
            "question_type": "open",
            **shared,
        },
    ]
    write_parquet(folder / "validation.parquet", rows, ("image_1", "image_2"))


def ai2d(folder: Path) -> None:
    save(folder / "images" / "1.png")
    one = {
        "abcLabel": False,
        "answerTexts": ["red", "blue"],
        "correctAnswer": 0,
        "questionId": "1.png-0",
    }
    write_json(
        folder / "questions" / "1.png.json",
        {"imageName": "1.png", "questions": {"What colour?": one}},
    )


def ai2d_parquet(folder: Path) -> None:
    row = {"question": "What colour?", "options": ["red", "blue"], "answer": "0", "image": "red"}
    write_parquet(folder / "test.parquet", [row])


def scienceqa(folder: Path) -> None:
    for number in (1, 2):
        save(folder / "test" / str(number) / "image.png")
    shared = {"choices": ["red", "blue"], "answer": 0, "hint": "", "split": "test"}
    problems = {
        "1": {"question": "What colour?", "image": "image.png", "subject": "art", **shared},
        "2": {"question": "Which colour?", "image": "image.png", "subject": "art", **shared},
        "3": {"question": "No picture?", "image": None, "subject": "art", **shared},
    }
    write_json(folder / "problems.json", problems)


def scienceqa_parquet(folder: Path) -> None:
    row = {"question": "What colour?", "choices": ["red", "blue"], "answer": 0, "hint": ""}
    write_parquet(folder / "test.parquet", [{**row, "image": "red"}, {**row, "image": None}])


def mathvista(folder: Path) -> None:
    save(folder / "images" / "1.png")
    shared = {"image": "images/1.png", "unit": None}
    choice = {"question_type": "multi_choice", "answer_type": "text", "choices": ["1", "2"]}
    free = {"question_type": "free_form", "answer_type": "integer", "choices": None}
    problems = {
        "1": {"query": "How many? (A) 1 (B) 2", "answer": "1", "precision": None, **choice},
        "2": {"query": "How many discs?", "answer": "1", "precision": 1.0, **free},
    }
    write_json(folder / "testmini.json", {key: {**one, **shared} for key, one in problems.items()})


def mathvista_parquet(folder: Path) -> None:
    row = {"pid": "1", "query": "How many?", "answer": "1", "question_type": "free_form"}
    more = {"answer_type": "integer", "choices": ["none"][:0], "precision": 0.0}
    picture_of = {"image": "images/1.jpg", "decoded_image": "red"}
    write_parquet(folder / "t.parquet", [{**row, **more, **picture_of}], ("decoded_image",))


def coco_captions(folder: Path) -> None:
    images = [{"id": number, "file_name": f"{number}.png"} for number in (1, 2)]
    for number, colour in ((1, "red"), (2, "blue")):
        save(folder / "val2017" / f"{number}.png", colour)
    notes = [
        {"image_id": 1, "caption": "A big red disc."},
        {"image_id": 1, "caption": "One red disc on white."},
        {"image_id": 2, "caption": "A small blue dot in the middle."},
    ]
    write_json(folder / "captions_val2017.json", {"images": images, "annotations": notes})


def coco_captions_karpathy(folder: Path) -> None:
    save(folder / "1.png")
    image = {"filename": "1.png", "split": "test", "sentences": [{"raw": "A red disc."}]}
    other = {"filename": "2.png", "split": "train", "sentences": [{"raw": "Not asked."}]}
    write_json(folder / "dataset_coco.json", {"images": [image, other], "dataset": "coco"})


def coco_detection(folder: Path) -> None:
    save(folder / "val2017" / "1.png")
    data = {
        "images": [{"id": 1, "file_name": "1.png", "width": 40, "height": 20}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": XYWH}],
        "categories": [{"id": number, "name": f"thing {number}"} for number in range(1, 22)],
    }
    data["categories"][2]["name"] = "disc"
    write_json(folder / "instances_val2017.json", data)


def ja_vg_vqa(folder: Path) -> None:
    qas = [{"qa_id": 1, "question": "何色ですか？", "answer": "赤色です"}]
    write_parquet(folder / "test.parquet", [{"image_id": 1, "image": "red", "qas": qas}])


def ja_vlm_bench(folder: Path) -> None:
    row = {"image": "red", "question": "何が見えますか？", "answer": "赤い丸です"}
    write_parquet(folder / "test.parquet", [row])


def heron(folder: Path) -> None:
    save(folder / "images" / "001.jpg")
    questions = [
        {
            "question_id": number,
            "image": "001.jpg",
            "category": category,
            "context": "白い背景に赤い丸があります。",
            "text": f"何が見えますか？ ({number})",
        }
        for number, category in enumerate(("conv", "detail", "complex"))
    ]
    answers = [
        {"question_id": number, "prompt": "何が見えますか？", "text": "赤い丸です。"}
        for number in range(3)
    ]
    write_lines(folder / "questions_ja.jsonl", questions)
    write_lines(folder / "answers_gpt4.jsonl", answers)


OFFICIAL: dict[str, Write] = {
    "refcoco": refcoco,
    "refcoco-plus": refcoco,
    "refcocog": refcoco,
    "pope": pope,
    "vqav2": vqav2,
    "textvqa": textvqa,
    "chartqa": chartqa,
    "docvqa": docvqa,
    "ocrbench": ocrbench,
    "mmbench": mmbench,
    "mmmu": mmmu,
    "ai2d": ai2d,
    "scienceqa": scienceqa,
    "mathvista": mathvista,
    "coco-captions": coco_captions,
    "coco-detection": coco_detection,
    "ja-vg-vqa-500": ja_vg_vqa,
    "ja-vlm-bench": ja_vlm_bench,
    "heron-bench": heron,
}

OTHERS: list[tuple[str, Write]] = [
    ("refcoco", refcoco_lines),
    ("refcoco", refcoco_parquet),
    ("pope", pope_parquet),
    ("vqav2", vqav2_parquet),
    ("textvqa", textvqa_parquet),
    ("chartqa", chartqa_parquet),
    ("docvqa", docvqa_parquet),
    ("ocrbench", ocrbench_parquet),
    ("mmbench", mmbench_parquet),
    ("ai2d", ai2d_parquet),
    ("scienceqa", scienceqa_parquet),
    ("mathvista", mathvista_parquet),
    ("coco-captions", coco_captions_karpathy),
]
