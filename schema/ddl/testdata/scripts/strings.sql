SELECT 'it''s; ' , '\', E'\'; ', e'\\';
SELECT 'a'
   'b; '
  -- a comment between, with a ; and a '
   'c';
SELECT B'01'
'10', X'1F', N'nat;ional', U&'\0041;' UESCAPE '!', U&"d\0061t;a", "quo""ted;";
SELECT 'multi
line;
string', 'größe; 日本語', "täble;";
SELECT nE'x;', e 'y;';
INSERT INTO t VALUES (';'), (''';'''), ('');
