"""The course: topics, exercises, grader, progress, projects, and the syllabus as an index."""
