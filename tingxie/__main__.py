"""`python -m tingxie`, which is how `tingxie up` starts its children: no console script has to be on PATH."""

from tingxie.cli import main

main()
