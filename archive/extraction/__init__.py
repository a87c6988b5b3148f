"""Text out of PDFs, Office files and subtitles; `bounded` reads files nobody vouches for."""
