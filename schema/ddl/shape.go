package ddl

// shape follows the tokens of one statement to tell where it ends, by the rules of psql's psqlscan.l: not inside
// parentheses, and not inside the body of a function that BEGIN ATOMIC opens.
type shape struct {
	words     int     // how many unquoted identifiers so far
	head      [4]byte // the first letters of those of the first four that can open CREATE FUNCTION
	parens    int
	blocks    int // open BEGIN ATOMIC and, inside it, CASE
	afterOpen bool
	copy      bool
	afterFrom bool
	stdin     bool
	settings  bool
}

func (s *shape) complete() bool { return s.parens == 0 && s.blocks == 0 }

func (s *shape) copiesFromStdin() bool { return s.copy && s.stdin }

func (s *shape) mayChangeStrings() bool { return s.settings }

func (s *shape) add(kind Kind, text string) {
	switch kind {
	case Word:
		s.addWord(text)
	case Punct:
		switch text[0] {
		case '(':
			s.parens++
		case ')':
			s.parens = max(s.parens-1, 0)
		}
		s.afterOpen, s.afterFrom = false, false
	default:
		s.afterOpen, s.afterFrom = false, false
	}
}

func (s *shape) addWord(text string) {
	if s.words < len(s.head) {
		s.head[s.words] = headLetter(text)
	}
	if s.words == 0 {
		s.copy = foldEqual(text, "COPY")
		s.settings = changesSettings(text)
	}
	s.words++
	if s.copy && s.parens == 0 {
		s.stdin = s.stdin || s.afterFrom && foldEqual(text, "STDIN")
		s.afterFrom = foldEqual(text, "FROM")
	}
	if s.parens > 0 || !s.definesRoutine() {
		return
	}
	switch {
	case s.blocks == 0:
		if s.afterOpen && foldEqual(text, "ATOMIC") {
			s.blocks = 1
		}
		s.afterOpen = foldEqual(text, "BEGIN")
	case foldEqual(text, "BEGIN"), foldEqual(text, "CASE"):
		s.blocks++
	case foldEqual(text, "END"):
		s.blocks--
	}
}

// definesRoutine reports whether the first words are CREATE [OR REPLACE] FUNCTION or PROCEDURE.
func (s *shape) definesRoutine() bool {
	h := s.head
	return h[0] == 'c' && (h[1] == 'f' || h[1] == 'p' || h[1] == 'o' && h[2] == 'r' && (h[3] == 'f' || h[3] == 'p'))
}

func headLetter(word string) byte {
	for _, known := range [...]string{"CREATE", "OR", "REPLACE", "FUNCTION", "PROCEDURE"} {
		if foldEqual(word, known) {
			return known[0] | 0x20
		}
	}
	return 0
}
