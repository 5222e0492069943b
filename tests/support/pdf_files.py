"""Small PDF files, written by hand as ISO 32000-1 says."""


def write_pdf(
    pages: int, *, width: int = 200, height: int = 300, is_encrypted: bool = False
) -> bytes:
    """Return a PDF on whose page n a bar of n points stands at the top left, in black."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>"
        % (pages, b" ".join(b"%d 0 R" % (3 + 2 * page) for page in range(pages))),
    ]
    for page in range(pages):
        bar = b"0 %d %d 10 re f" % (height - 10, page + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R>>"
            % (width, height, 4 + 2 * page)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(bar), bar))
    extra = b""
    if is_encrypted:
        secret = b"<" + b"41" * 32 + b">"
        objects.append(b"<</Filter/Standard/V 1/R 2/P -44/O%s/U%s>>" % (secret, secret))
        extra = b"/Encrypt %d 0 R/ID[<41><41>]" % len(objects)
    parts, starts, at = [b"%PDF-1.4\n"], [], 9
    for number, content in enumerate(objects, start=1):
        starts.append(at)
        parts.append(b"%d 0 obj%sendobj\n" % (number, content))
        at += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    count = len(objects) + 1
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table))
    parts.append(b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (count, extra, at))
    return b"".join(parts)
