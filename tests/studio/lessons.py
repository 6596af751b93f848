"""A lesson with one part of each kind, and text that tries to be more than text."""

from groundup.course.lesson_parts import (
    ExerciseCheck,
    Explore,
    Field,
    Heading,
    Lesson,
    Predict,
    Prose,
    Quiz,
    QuizChoice,
    Source,
    Step,
    Trace,
)

HOSTILE = '"><img src=x onerror=alert(1)>'
CODE = {"code": "x = 1\n", "html": '<pre class="code">x = 1\n</pre>'}
FORM = (
    Field(name="scale", label="scale", kind="slider", default=1.0, low=0.1, high=5.0),
    Field(name="heads", label="heads", kind="choice", default=2, choices=(1, 2, 4)),
    Field(name="many", label="many", kind="choice", default=1, choices=(1, 2, 3, 4, 5, 6)),
    Field(name="is_on", label="on", kind="switch", default=True),
    Field(name="words", label=HOSTILE, kind="text", default=HOSTILE, longest=80),
)
QUIZ = Quiz(
    name="why",
    question_html="<p>Why?</p>",
    choices=(
        QuizChoice(html="<p>Because</p>", right=True, because_html="<p>Yes, since it is.</p>"),
        QuizChoice(html="<p>Never</p>", right=False, because_html="<p>No, for it is.</p>"),
    ),
)
LESSON = Lesson(
    topic="p04_transformer/attention",
    title="Attention",
    minutes=90,
    prerequisites=(),
    headings=(Heading(level=2, text=f"First {HOSTILE}", anchor="first"),),
    parts=(
        Prose(html='<h2 id="first">First</h2><p><span class="math inline">x^2</span></p>'),
        Source(name="groundup.x:y", file="x.py", line=12, **CODE),
        Explore(name="picture", title="A picture", form=FORM),
        Step(name="naive", title="Naive", **CODE),
        Trace(name="flow", title="Flow", **CODE),
        QUIZ,
        Predict(
            name="guess",
            run="naive",
            question_html="<p>What?</p>",
            because_html="<p>So.</p>",
            within=0.1,
            **CODE,
        ),
        ExerciseCheck(exercise="add"),
    ),
    stamp="1",
)
