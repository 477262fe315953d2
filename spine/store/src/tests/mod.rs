//! What both databases must do alike.

mod books;
