package attach

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Scanner looks for viruses. An error says that nothing is known: the
// attachment is then not opened to anybody, and the scan is tried again.
type Scanner interface {
	Scan(ctx context.Context, r io.Reader) (virus string, err error)
}

// Off is the scanner of a hub that has none: everything passes unread.
type Off struct{}

// Scan finds nothing.
func (Off) Scan(context.Context, io.Reader) (string, error) { return "", nil }

func (s *Store) scan(ctx context.Context, f io.ReaderAt, size int64) (string, error) {
	return s.Scanner.Scan(ctx, io.NewSectionReader(f, 0, size))
}

// Clamd asks a ClamAV daemon.
//
// The daemon's StreamMaxLength (25 MB at first) must be at least the greatest
// file that may be attached: what is longer is never scanned, so never ready.
type Clamd struct {
	Addr string // host:port, or the path of a socket
	// Patience is how long the daemon may stay silent; 2 minutes by default.
	Patience time.Duration
}

// Scan sends r to the daemon and returns the name of the virus, "" for none.
func (c Clamd) Scan(ctx context.Context, r io.Reader) (virus string, err error) {
	network, addr := "tcp", strings.TrimPrefix(c.Addr, "tcp://")
	if path := strings.TrimPrefix(c.Addr, "unix:"); strings.HasPrefix(path, "/") {
		network, addr = "unix", path
	}
	if c.Patience <= 0 {
		c.Patience = 2 * time.Minute
	}
	conn, err := (&net.Dialer{Timeout: c.Patience}).DialContext(ctx, network, addr)
	if err != nil {
		return "", fmt.Errorf("call the scanner: %w", err)
	}
	defer conn.Close() //nolint:errcheck // the answer has come, or nothing helps
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	sent := c.send(conn, r)
	if read, ok := errors.AsType[readError](sent); ok {
		return "", fmt.Errorf("read for the scanner: %w", read.error)
	}
	// Over its limit the daemon answers and closes, so an answer may be
	// waiting although the sending failed.
	if err := conn.SetReadDeadline(time.Now().Add(c.Patience)); err != nil {
		return "", fmt.Errorf("hear the scanner: %w", err)
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("hear the scanner: %w", errors.Join(sent, err))
	}
	return verdict(strings.TrimSuffix(answer, "\x00"), sent)
}

func verdict(answer string, sent error) (string, error) {
	said, isStream := strings.CutPrefix(answer, "stream: ")
	virus, found := strings.CutSuffix(said, " FOUND")
	switch {
	case isStream && found && virus != "":
		return virus, nil
	case isStream && said == "OK" && sent == nil:
		return "", nil
	}
	return "", errors.Join(fmt.Errorf("the scanner said %.200q", answer), sent)
}

// readError is a failure of our side: the daemon knows nothing of it.
type readError struct{ error }

// send speaks zINSTREAM: pieces led by their length, an empty one at the end.
func (c Clamd) send(conn net.Conn, r io.Reader) error {
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		return err
	}
	buf := make([]byte, 4+chunk)
	for {
		n, end := io.ReadFull(r, buf[4:])
		if end != nil && end != io.EOF && end != io.ErrUnexpectedEOF {
			return readError{end}
		}
		if n > 0 {
			if err := c.piece(conn, buf[:4+n]); err != nil {
				return err
			}
		}
		if end != nil {
			return c.piece(conn, make([]byte, 4))
		}
	}
}

func (c Clamd) piece(conn net.Conn, p []byte) error {
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	if err := conn.SetWriteDeadline(time.Now().Add(c.Patience)); err != nil {
		return err
	}
	_, err := conn.Write(p)
	return err
}
