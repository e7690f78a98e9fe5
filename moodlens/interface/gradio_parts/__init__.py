"""What takes the place of Gradio's own parts, or changes them, so that nothing breaks the page.

Each module names the fault of Gradio's that it is there for. A Gradio that has mended it needs the
module no more.
"""
