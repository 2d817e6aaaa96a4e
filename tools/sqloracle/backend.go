package sqloracle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
)

// Backend answers one psql after the other as a PostgreSQL server would whose every statement succeeds and returns
// nothing (protocol version 3, documentation chapter "Frontend/Backend Protocol").
type Backend struct {
	listener net.Listener
}

// Listen starts a backend on a loopback port.
func Listen() (*Backend, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the recording backend: %w", err)
	}
	return &Backend{listener}, nil
}

// Port returns the TCP port on 127.0.0.1.
func (b *Backend) Port() int { return b.listener.Addr().(*net.TCPAddr).Port }

// Close stops the backend.
func (b *Backend) Close() error { return b.listener.Close() }

// Record serves one session and returns the queries that it sent.
func (b *Backend) Record() ([]string, error) {
	conn, err := b.listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("waiting for psql: %w", err)
	}
	defer conn.Close()
	s := &session{r: bufio.NewReader(conn), w: bufio.NewWriter(conn), strings: "on"}
	if err := s.start(); err != nil {
		return nil, fmt.Errorf("starting a session: %w", err)
	}
	err = s.serve()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return s.queries, err
}

type session struct {
	r           *bufio.Reader
	w           *bufio.Writer
	queries     []string
	strings     string // standard_conforming_strings of the session
	transaction byte   // as in ReadyForQuery
}

const (
	sslRequest    = 80877103
	gssRequest    = 80877104
	maxMessage    = 1 << 30
	idle          = 'I'
	inTransaction = 'T'
)

func (s *session) start() error {
	for {
		var length, code uint32
		if err := binary.Read(s.r, binary.BigEndian, &length); err != nil {
			return err
		}
		if err := binary.Read(s.r, binary.BigEndian, &code); err != nil {
			return err
		}
		if code == sslRequest || code == gssRequest {
			if err := s.w.WriteByte('N'); err != nil {
				return err
			}
			if err := s.w.Flush(); err != nil {
				return err
			}
			continue
		}
		if _, err := s.r.Discard(int(length) - 8); err != nil {
			return err
		}
		break
	}
	s.transaction = idle
	s.send('R', []byte{0, 0, 0, 0})
	s.parameter("server_version", "17.0")
	s.parameter("client_encoding", "UTF8")
	s.parameter("standard_conforming_strings", s.strings)
	s.send('K', make([]byte, 8))
	return s.ready()
}

// send writes a message; an error of the connection shows at the next Flush.
func (s *session) send(kind byte, body []byte) {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	_, _ = s.w.Write(append(head, body...))
}

func (s *session) parameter(name, value string) { s.send('S', []byte(name+"\x00"+value+"\x00")) }

func (s *session) ready() error {
	s.send('Z', []byte{s.transaction})
	return s.w.Flush()
}

func (s *session) receive() (byte, string, error) {
	kind, err := s.r.ReadByte()
	if err != nil {
		return 0, "", err
	}
	var length uint32
	if err := binary.Read(s.r, binary.BigEndian, &length); err != nil {
		return 0, "", err
	}
	if length < 4 || length > maxMessage {
		return 0, "", fmt.Errorf("message %q of %d bytes", kind, length)
	}
	body := make([]byte, length-4)
	_, err = io.ReadFull(s.r, body)
	return kind, string(body), err
}

var (
	copyIn     = regexp.MustCompile(`(?is)^\s*copy\s.*\sfrom\s+stdin\b`)
	setStrings = regexp.MustCompile(`(?i)^\s*set\s+(local\s+)?standard_conforming_strings\s*(?:=|\sto\s)\s*'?(on|off)'?\s*;?\s*$`)
	begins     = regexp.MustCompile(`(?i)^\s*(begin|start transaction)\b`)
	ends       = regexp.MustCompile(`(?i)^\s*(commit|rollback|end)\b`)
)

func (s *session) serve() error {
	for {
		kind, body, err := s.receive()
		if err != nil {
			return err
		}
		switch kind {
		case 'X':
			return nil
		case 'Q':
			if err := s.query(strings.TrimSuffix(body, "\x00")); err != nil {
				return err
			}
		default:
			return fmt.Errorf("message %q where a query was expected", kind)
		}
	}
}

func (s *session) query(sql string) error {
	s.queries = append(s.queries, sql)
	switch {
	case copyIn.MatchString(sql):
		s.send('G', []byte{0, 0, 0})
		if err := s.w.Flush(); err != nil {
			return err
		}
		for {
			kind, _, err := s.receive()
			if err != nil {
				return err
			}
			if kind == 'c' || kind == 'f' {
				break
			}
		}
		s.send('C', []byte("COPY 0\x00"))
	case setStrings.MatchString(sql):
		m := setStrings.FindStringSubmatch(sql)
		if m[1] == "" {
			s.strings = strings.ToLower(m[2])
		}
		s.parameter("standard_conforming_strings", strings.ToLower(m[2]))
		s.send('C', []byte("SET\x00"))
	default:
		if begins.MatchString(sql) {
			s.transaction = inTransaction
		}
		if ends.MatchString(sql) && s.transaction == inTransaction {
			s.transaction = idle
			s.parameter("standard_conforming_strings", s.strings)
		}
		s.send('C', []byte("DO\x00"))
	}
	return s.ready()
}
