"""python -m tui_trader"""

from tui_trader.cli import main

main()
