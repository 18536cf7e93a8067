package attach

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"luvat/internal/db"
	"luvat/internal/fail"
)

// down is a scanner that does not answer.
type down struct{}

func (down) Scan(context.Context, io.Reader) (string, error) { return "", errors.New("no answer") }

// daemon speaks clamd's zINSTREAM: it finds the word VIRUS, and refuses what
// is longer than limit as the real one does.
type daemon struct {
	limit  int
	answer string // instead of its own
}

func (d daemon) listen(t *testing.T, network, addr string) string {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close() //nolint:errcheck // a double
				d.serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func (d daemon) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	if command, err := r.ReadString(0); err != nil || command != "zINSTREAM\x00" {
		_, _ = io.WriteString(conn, "UNKNOWN COMMAND\x00")
		return
	}
	var all bytes.Buffer
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return
		}
		if n == 0 {
			break
		}
		if d.limit > 0 && all.Len()+int(n) > d.limit {
			_, _ = io.WriteString(conn, "INSTREAM size limit exceeded. ERROR\x00")
			return
		}
		if _, err := io.CopyN(&all, r, int64(n)); err != nil {
			return
		}
	}
	answer := "stream: OK\x00"
	if bytes.Contains(all.Bytes(), []byte("VIRUS")) {
		answer = "stream: Test.Virus FOUND\x00"
	}
	if d.answer != "" {
		answer = d.answer
	}
	_, _ = io.WriteString(conn, answer)
}

func TestClamd(t *testing.T) {
	tcp := daemon{}.listen(t, "tcp", "localhost:0")
	socket := daemon{}.listen(t, "unix", filepath.Join(t.TempDir(), "c"))
	small := daemon{limit: 1000}.listen(t, "tcp", "localhost:0")
	odd := daemon{answer: "stream: OK, or not\x00"}.listen(t, "tcp", "localhost:0")
	cut := daemon{answer: "stream: O"}.listen(t, "tcp", "localhost:0")
	named := daemon{answer: "stream:  FOUND\x00"}.listen(t, "tcp", "localhost:0")
	long := strings.Repeat("x", 3*chunk-2)
	for _, tt := range []struct {
		name, addr string
		content    io.Reader
		virus      string
		fails      string
	}{
		{"clean", tcp, strings.NewReader("good"), "", ""},
		{"empty", tcp, strings.NewReader(""), "", ""},
		{"long", tcp, strings.NewReader(long), "", ""},
		{"a virus across two pieces", "tcp://" + tcp, strings.NewReader(long[:chunk-2] + "VIRUS"), "Test.Virus", ""},
		{"over a socket", "unix:" + socket, strings.NewReader("VIRUS"), "Test.Virus", ""},
		{"over a socket's path", socket, strings.NewReader("good"), "", ""},
		{"longer than the daemon takes", small, strings.NewReader(strings.Repeat(long, 20)), "", "size limit exceeded"},
		{"an answer that is none", odd, strings.NewReader("good"), "", "OK, or not"},
		{"half an answer", cut, strings.NewReader("good"), "", "hear the scanner"},
		{"a virus without a name", named, strings.NewReader("good"), "", "FOUND"},
		{"our own disk fails", tcp, iotest.ErrReader(errBroken), "", "connection reset"},
		{"nobody there", filepath.Join(t.TempDir(), "none"), strings.NewReader("good"), "", "call the scanner"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virus, err := Clamd{Addr: tt.addr}.Scan(t.Context(), tt.content)
			if virus != tt.virus || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %q, %v; want %q, error %q", virus, err, tt.virus, tt.fails)
			}
		})
	}
}

func TestClamdSilent(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a double
	if virus, err := (Clamd{Addr: l.Addr().String(), Patience: 20 * time.Millisecond}).Scan(t.Context(), strings.NewReader("x")); err == nil {
		t.Errorf("silence passed as %q", virus)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Clamd{Addr: l.Addr().String()}).Scan(ctx, strings.NewReader("x")); err == nil {
		t.Error("cancelled, yet clean")
	}
}

func TestInfected(t *testing.T) {
	k := newKit(t)
	k.Scanner = Clamd{Addr: daemon{}.listen(t, "tcp", "localhost:0")}
	good := k.put(file(0), "harmless")
	k.check(good, []byte("harmless"))

	a := k.begin(10)
	a, err := k.Append(t.Context(), a.ID, "aino", 0, strings.NewReader("it's VIRUS"))
	wantKind(t, err, fail.Rejected, "attach.infected")
	if row := k.row(a.ID); row.State != Infected || a.State != Infected {
		t.Errorf("row is %s", row.State)
	}
	_, err = k.Append(t.Context(), a.ID, "aino", 10, strings.NewReader(""))
	wantKind(t, err, fail.Rejected, "attach.infected")
	_, err = k.Content(t.Context(), a)
	wantKind(t, err, fail.Rejected, "attach.infected")
	err = k.tx(func(ctx context.Context, tx *db.Tx) error {
		return Bind(ctx, tx, []string{a.ID}, "aino", "m", "message:1")
	})
	wantKind(t, err, fail.Rejected, "attach.infected")
	_, err = k.Put(t.Context(), file(-1), strings.NewReader("VIRUS"))
	wantKind(t, err, fail.Rejected, "attach.infected")
	if r, err := k.Check(t.Context()); err != nil || r.Blobs != 1 || len(k.files("incoming")) != 0 {
		t.Errorf("infected bytes stay: %v, %+v, %v", err, r, k.files("incoming"))
	}
}

func TestScannerDown(t *testing.T) {
	k := newKit(t)
	k.Scanner = down{}
	one, err := k.Put(t.Context(), file(-1), strings.NewReader("patience"))
	if err != nil || !one.Waiting() {
		t.Fatalf("%v, %+v", err, one)
	}
	two, err := k.Put(t.Context(), file(-1), strings.NewReader("VIRUS"))
	if err != nil || !two.Waiting() {
		t.Fatalf("%v, %+v", err, two)
	}
	_, err = k.Content(t.Context(), one)
	wantKind(t, err, fail.Conflict, "attach.not_ready")
	k.clock.Move(30 * 24 * time.Hour) // whole uploads are never given up
	if done := k.sweep(); done.Waiting != 2 || done.Abandoned != 0 {
		t.Errorf("swept %+v", done)
	}
	k.restart()
	k.Scanner = Clamd{Addr: daemon{}.listen(t, "tcp", "localhost:0")}
	if done := k.sweep(); done.Finished != 1 || done.Infected != 1 {
		t.Errorf("swept %+v", done)
	}
	k.check(k.row(one.ID), []byte("patience"))
	if k.row(two.ID).State != Infected {
		t.Error("a virus passed")
	}
}
