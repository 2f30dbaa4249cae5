//! Which client networks are served.
