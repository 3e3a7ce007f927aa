"""Grading: what judges other people's submissions, and trusts none of them.

Two parties work here. The GRADER holds tests, inputs and expected values: `grader` goes through a class, `handed_in`
and `submission` find the answers in what was handed in, `run_question` puts the tests to them (`conversation`),
`results` and `records` keep what came out. The SANDBOX holds the answer: `sandbox` makes it (with `bubblewrap`,
`seccomp`, `processes`), `sandbox_worker` is its first process, `room` shuts the door, and `student_process` runs the
student's code there. Between them goes nothing but plain values (`channel`, and `needle_edu.course.messages`).

This wing imports the rest of `needle_edu.course`; of the rest only `commands` imports it.
"""
