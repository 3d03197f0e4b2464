"""Documents that say one thing, as small as they may be."""

import base64
import io
import zipfile

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def pdf(text: str) -> bytes:
    """A PDF of one page that says a text."""
    says = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(says)} >>\nstream\n{says}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(f"{len(file):010} 00000 n \n")
        file += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{''.join(places)}"
    end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
    return file + table.encode() + end.encode()


def docx(text: str) -> bytes:
    """A DOCX of one paragraph."""
    body = f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document xmlns:w='w'>{body}</w:document>")
    return packed.getvalue()


def message(question: str, kind: str, file: bytes) -> dict:
    """A question about a file."""
    data = f"data:{kind};base64,{base64.b64encode(file).decode()}"
    name = "a.pdf" if kind == PDF else "a.docx"
    part = {"type": "file", "file": {"filename": name, "file_data": data}}
    return {"role": "user", "content": [{"type": "text", "text": question}, part]}
