package main

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// proxy passes bytes between a unix socket of its own and the server, each
// client message a fixed time late, and counts round trips.
type proxy struct {
	folder   string // what a libpq URL names as host
	listener net.Listener
	server   server
	delay    time.Duration
	trips    atomic.Int64
	open     sync.WaitGroup
}

func listen(folder string, s server, delay time.Duration) (*proxy, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL."+s.port))
	if err != nil {
		return nil, err
	}
	p := &proxy{folder: folder, listener: l, server: s, delay: delay}
	p.open.Go(p.accept)
	return p, nil
}

func (p *proxy) close() {
	p.listener.Close()
	p.open.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		upstream, err := net.Dial(p.server.network, p.server.address)
		if err != nil {
			client.Close()
			continue
		}
		p.open.Go(func() { p.serve(client, upstream) })
	}
}

// serve passes bytes until one side has ended.
func (p *proxy) serve(client, upstream net.Conn) {
	var both sync.WaitGroup
	var waiting atomic.Bool // the client has heard the server since it last spoke
	waiting.Store(true)
	both.Go(func() {
		defer upstream.Close()
		p.late(client, upstream, func() {
			if waiting.CompareAndSwap(true, false) {
				p.trips.Add(1)
			}
		})
	})
	both.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := upstream.Read(buffer)
			if n > 0 {
				waiting.Store(true)
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	both.Wait()
}

// late copies from one connection to the other, every chunk delayed, without
// slowing chunks that follow each other.
func (p *proxy) late(from, to net.Conn, heard func()) {
	type chunk struct {
		data []byte
		due  time.Time
	}
	line := make(chan chunk, 1024)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(line)
		for {
			buffer := make([]byte, 64<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				heard()
				line <- chunk{buffer[:n], time.Now().Add(p.delay)}
			}
			if err != nil {
				return
			}
		}
	})
	for c := range line {
		time.Sleep(time.Until(c.due))
		if _, err := to.Write(c.data); err != nil && !errors.Is(err, io.EOF) {
			from.Close()
			break
		}
	}
	for range line { // lets the reader end
	}
	reading.Wait()
}
