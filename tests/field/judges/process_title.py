import re

from verdict import judged

TRUTH = "one name of the process before and after it sets its title, whoever looks when"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    loops, stalls = told.find(r"watched from before: (\[.*?\]) (\[.*?\])").groups()
    before = set(re.findall(r"\('(.*?)', \d+\)", loops)) | set(re.findall(r"'(.*?)'", stalls))
    later = {}
    for way, found in re.findall(r"^(\[.*?\]) (\[.*?\])", told.text, re.MULTILINE):
        later[way] = set(re.findall(r"\('(.*?)', \d+\)", found))
    names = before.union(*later.values())
    by_port = [found for way, found in later.items() if "--port" in way]
    return judged(
        f"names: {', '.join(sorted(names))}",
        "" if len(names) == 1 else f"{len(names)} names of one process",
        "" if by_port and by_port[0] else "--port does not find it",
        "" if "'--name', 'server.js'" in told.text else "the case did not try its names",
    )
