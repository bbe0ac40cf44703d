"""``python -m wuxin``: the command ``wuxin``, for processes that Wuxin starts itself."""

from wuxin.cli import main

if __name__ == "__main__":
    main()
