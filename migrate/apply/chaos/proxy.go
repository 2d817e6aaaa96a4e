// Package chaos puts faults between a client and a PostgreSQL server: it knows
// how messages are framed on the wire, counts them, and cuts the connection at
// a chosen one. It does not know what the messages mean; its tests do the rest.
package chaos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Direction is the way a message goes.
type Direction string

// The two directions.
const (
	ToServer Direction = "to the server"
	ToClient Direction = "to the client"
)

// Kind is what happens to the message.
type Kind string

// The kinds of a fault. Each ends the connection on both sides.
const (
	CutBefore    Kind = "cut before"      // the message is not delivered
	CutAfter     Kind = "cut after"       // it is delivered, and nothing after it
	StallThenCut Kind = "stall, then cut" // it is held back for a while and not delivered
	HalfWrite    Kind = "half written"    // its first half is delivered
)

// Afterwards says what becomes of connections that are made after the fault.
type Afterwards string

// What the network is like after the fault.
const (
	Reachable   Afterwards = "reachable"
	Unreachable Afterwards = "unreachable" // and every other connection ends, too
)

// Fault happens once, at message number Message (from 1) of all that go in its
// direction. The zero value never happens.
type Fault struct {
	Direction Direction
	Kind      Kind
	Message   int64
	Stall     time.Duration // of StallThenCut
	Then      Afterwards
}

// String names the fault.
func (f Fault) String() string {
	return fmt.Sprintf("%s message %d %s, then %s", f.Kind, f.Message, f.Direction, f.Then)
}

// Proxy passes connections on to a server's Unix socket, unencrypted as they
// are there. It is itself reached by a Unix socket.
type Proxy struct {
	fault    Fault
	upstream string
	listener net.Listener

	toServer, toClient atomic.Int64
	fired, dead        atomic.Bool

	mu    sync.Mutex
	open  map[net.Conn]struct{}
	wait  sync.WaitGroup
	ended bool
}

// Listen makes a proxy to the server whose socket is the file upstream. Its own
// socket is in the folder dir, named as for port 5432.
func Listen(dir, upstream string, f Fault) (*Proxy, error) {
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	p := &Proxy{fault: f, upstream: upstream, listener: listener, open: map[net.Conn]struct{}{}}
	p.wait.Go(p.accept)
	return p, nil
}

// Counts are the messages that went in each direction so far, connections'
// first ones included and cancel requests not.
func (p *Proxy) Counts() (toServer, toClient int64) { return p.toServer.Load(), p.toClient.Load() }

// Fired tells whether the fault has happened.
func (p *Proxy) Fired() bool { return p.fired.Load() }

// Close ends every connection and the proxy.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.cutAll()
	p.wait.Wait()
	return err
}

func (p *Proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for c := range p.open {
		_ = c.Close() // both ends learn of it by reading
	}
}

// keep takes connections into the books, unless it is too late for them.
func (p *Proxy) keep(list ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		if p.ended {
			_ = c.Close()
			continue
		}
		p.open[c] = struct{}{}
	}
	return !p.ended
}

func (p *Proxy) forget(list ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		_ = c.Close()
		delete(p.open, c)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.dead.Load() {
			_ = client.Close()
			continue
		}
		p.wait.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("unix", p.upstream)
	if err != nil {
		_ = client.Close()
		return
	}
	if !p.keep(client, server) {
		return
	}
	defer p.forget(client, server)
	first, err := readMessage(client, 4)
	if err != nil {
		return
	}
	if cancels(first) {
		if _, err := server.Write(first); err == nil {
			_, _ = io.Copy(io.Discard, server) // the server answers by closing
		}
		return
	}
	if !p.pass(ToServer, first, client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		p.stream(ToClient, server, client)
		_ = client.Close()
		_ = server.Close()
	})
	p.stream(ToServer, client, server)
	_ = client.Close()
	_ = server.Close()
	both.Wait()
}

// stream passes messages on until one end closes or the fault happens.
func (p *Proxy) stream(d Direction, from, to net.Conn) {
	for {
		m, err := readMessage(from, 5)
		if err != nil || !p.pass(d, m, from, to) {
			return
		}
	}
}

// pass delivers a message as the fault wants it, and tells whether the connection goes on.
func (p *Proxy) pass(d Direction, m []byte, from, to net.Conn) bool {
	count := &p.toServer
	if d == ToClient {
		count = &p.toClient
	}
	n := count.Add(1)
	if p.fault.Direction != d || n != p.fault.Message {
		_, err := to.Write(m)
		return err == nil
	}
	switch p.fault.Kind {
	case CutAfter:
		_, _ = to.Write(m)
	case HalfWrite:
		_, _ = to.Write(m[:(len(m)+1)/2])
	case StallThenCut:
		time.Sleep(p.fault.Stall)
	case CutBefore:
	}
	p.fired.Store(true)
	if p.fault.Then == Unreachable {
		p.dead.Store(true)
		p.cutAll()
	}
	_, _ = from.Close(), to.Close()
	return false
}

// cancelCode is what stands for a protocol version in a CancelRequest
// (https://www.postgresql.org/docs/current/protocol-message-formats.html).
const cancelCode = 80877102

func cancels(first []byte) bool {
	return len(first) >= 8 && binary.BigEndian.Uint32(first[4:]) == cancelCode
}

const longest = 64 << 20

// readMessage reads one whole message whose length stands at the end of a head of so many bytes.
func readMessage(r io.Reader, head int) ([]byte, error) {
	m := make([]byte, head, 512)
	if _, err := io.ReadFull(r, m); err != nil {
		return nil, err
	}
	body := int64(binary.BigEndian.Uint32(m[head-4:])) - 4
	if body < 0 || body > longest {
		return nil, errors.New("this is no PostgreSQL message")
	}
	m = append(m, make([]byte, body)...)
	_, err := io.ReadFull(r, m[head:])
	return m, err
}

// SocketFile is the socket of the server in a folder of sockets; "" when there is none.
func SocketFile(folder string) string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.Type()&os.ModeSocket != 0 {
			return filepath.Join(folder, e.Name())
		}
	}
	return ""
}
