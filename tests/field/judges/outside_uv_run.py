import fallback_judge

TRUTH = "five blocks of 0.7 s between turns: five stalls in redraw"
judge = fallback_judge.judge
