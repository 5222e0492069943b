"""Load a menu of one's own, list what each model can do, and ask the first one."""

from pathlib import Path

from vlm_demo import Backend, Request, Task, load_menu, open_image

HERE = Path(__file__).parent

menu = load_menu(HERE / "custom_menu.toml")
for model in menu:
    print(f"{model.name}: {', '.join(model.tasks)}")

backend = Backend(menu)
image = open_image(HERE.parent / "assets" / "examples" / "animals.png")
*_, reply = backend.answer(menu[0].name, Request(Task.CAPTION, images=(image,)))
print(reply.text)
backend.close()
