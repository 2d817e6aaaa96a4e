CREATE TABLE articles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL, slug text);
INSERT INTO articles (title) VALUES ('Hello World');
