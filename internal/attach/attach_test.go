package attach

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/testkit"
)

// kit is a store over a database and a folder of its own.
type kit struct {
	*Store
	t     *testing.T
	clock *testkit.Clock
}

func newKit(t *testing.T) *kit {
	t.Helper()
	k := &kit{t: t, clock: testkit.NewClock()}
	k.Store = k.open(testkit.DB(t), t.TempDir())
	return k
}

func (k *kit) open(d *db.DB, dir string) *Store {
	k.t.Helper()
	s, err := Open(d, dir, k.clock.Now)
	if err != nil {
		k.t.Fatal(err)
	}
	s.Log = slog.New(slog.NewTextHandler(k.t.Output(), nil))
	return s
}

// restart forgets all that was in memory.
func (k *kit) restart() {
	scanner, each := k.Scanner, k.flushEach
	k.Store = k.open(k.db, k.dir)
	k.Scanner, k.flushEach = scanner, each
}

func file(size int64) New {
	return New{Project: "p", Matter: "m", Place: Answer, Field: "plan", Name: "suunnitelma.pdf", Size: size, UploadedBy: "aino", Side: "applicant"}
}

func (k *kit) begin(size int64) Attachment {
	k.t.Helper()
	a, err := k.Begin(k.t.Context(), file(size))
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

// put stores content for a matter, whole.
func (k *kit) put(n New, content string) Attachment {
	k.t.Helper()
	n.Size = int64(len(content))
	a, err := k.Put(k.t.Context(), n, strings.NewReader(content))
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

func (k *kit) row(id string) Attachment {
	k.t.Helper()
	a, err := k.fresh(k.t.Context(), id)
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

func (k *kit) sweep() Swept {
	k.t.Helper()
	done, err := k.Sweep(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return done
}

func (k *kit) tx(fn func(context.Context, *db.Tx) error) error {
	return k.db.InTx(k.t.Context(), func(tx *db.Tx) error { return fn(k.t.Context(), tx) })
}

func (k *kit) remove(id string) {
	k.t.Helper()
	if err := k.tx(func(ctx context.Context, tx *db.Tx) error { return k.Remove(ctx, tx, id) }); err != nil {
		k.t.Fatal(err)
	}
}

// check fails the test unless a is ready and its bytes are content.
func (k *kit) check(a Attachment, content []byte) {
	k.t.Helper()
	row := k.row(a.ID)
	if row.State != Ready || row.Hash != hashOf(content) || row.Received != int64(len(content)) {
		k.t.Fatalf("row is %s, %d bytes, hash %q; want ready, %d, %q", row.State, row.Received, row.Hash, len(content), hashOf(content))
	}
	if diff := cmp.Diff(row, a); diff != "" {
		k.t.Errorf("the answer differs from the row:\n%s", diff)
	}
	f, err := k.Content(k.t.Context(), row)
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		k.t.Errorf("content is %d bytes (%v), want %d others", len(got), err, len(content))
	}
	if left := k.files("incoming"); slices.Contains(left, a.ID) {
		k.t.Errorf("the upload's file is still there")
	}
}

func (k *kit) files(sub string) []string {
	k.t.Helper()
	entries, err := os.ReadDir(filepath.Join(k.dir, sub))
	if err != nil {
		k.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func wantKind(t *testing.T, err error, kind fail.Kind, key string) {
	t.Helper()
	e, ok := errors.AsType[*fail.Error](err)
	if !ok || e.Kind != kind || e.Key != key {
		t.Errorf("error is %v, want kind %d, %s", err, kind, key)
	}
}

var errBroken = errors.New("connection reset")

// broken gives the first n bytes of content and then breaks.
func broken(content []byte, n int) io.Reader {
	return io.MultiReader(bytes.NewReader(content[:n]), iotest.ErrReader(errBroken))
}

func TestResumeAfterBreakAtEveryByte(t *testing.T) {
	k := newKit(t)
	content := []byte("%PDF-1.7 the plan of the event area")
	for cut := range content {
		for _, restart := range []bool{false, true} {
			a := k.begin(int64(len(content)))
			a, err := k.Append(t.Context(), a.ID, "aino", 0, broken(content, cut))
			if !errors.Is(err, errBroken) || a.Received != int64(cut) || k.row(a.ID).Received != int64(cut) {
				t.Fatalf("broken after %d: %v, received %d, in the row %d", cut, err, a.Received, k.row(a.ID).Received)
			}
			if restart {
				k.restart()
			}
			a, err = k.Append(t.Context(), a.ID, "aino", a.Received, bytes.NewReader(content[cut:]))
			if err != nil {
				t.Fatal(err)
			}
			k.check(a, content)
			if a.ContentType != "application/pdf" {
				t.Errorf("type is %s", a.ContentType)
			}
		}
	}
}

func TestAnyCuttingGivesTheSameBytes(t *testing.T) {
	k := newKit(t)
	rapid.Check(t, func(rt *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(rt, "content")
		k.flushEach = rapid.Int64Range(1, 500).Draw(rt, "flush each")
		a := k.begin(int64(len(content)))
		for a.State != Ready {
			if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
				k.restart()
			}
			if rapid.Bool().Draw(rt, "torn") { // written, but a stop came before the row said so
				f, err := k.partial(a.ID)
				if err != nil {
					rt.Fatal(err)
				}
				_, err = f.WriteAt([]byte("not what comes"), a.Received)
				if err := errors.Join(err, f.Close()); err != nil {
					rt.Fatal(err)
				}
			}
			rest := content[a.Received:]
			n := rapid.IntRange(0, len(rest)).Draw(rt, "piece")
			var r io.Reader = bytes.NewReader(rest[:n])
			if rapid.Bool().Draw(rt, "breaks") {
				r = broken(rest, n)
			}
			if rapid.Bool().Draw(rt, "small reads") {
				r = iotest.HalfReader(r)
			}
			at := a.Received
			var err error
			if a, err = k.Append(t.Context(), a.ID, "aino", at, r); err != nil && !errors.Is(err, errBroken) {
				rt.Fatal(err)
			}
			if a.Received != at+int64(n) {
				rt.Fatalf("received %d after %d more than %d", a.Received, n, at)
			}
		}
		k.check(a, content)
		k.remove(a.ID) // leave room for the next
	})
}

func TestAppendRefuses(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	a := k.begin(10)
	if _, err := k.Append(ctx, a.ID, "aino", 0, strings.NewReader("12345")); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{-1, 0, 4, 6, 10, 11} {
		got, err := k.Append(ctx, a.ID, "aino", offset, strings.NewReader("x"))
		wantKind(t, err, fail.Conflict, "attach.wrong_offset")
		if e, ok := errors.AsType[*fail.Error](err); !ok || e.Args[0] != int64(5) || got.Received != 5 {
			t.Errorf("offset %d: the right one is not told: %v, %d", offset, e.Args, got.Received)
		}
	}
	_, err := k.Append(ctx, a.ID, "eero", 5, strings.NewReader("67890"))
	wantKind(t, err, fail.NotFound, "attach.not_found")
	_, err = k.Append(ctx, "../../etc/passwd", "aino", 0, strings.NewReader("x"))
	wantKind(t, err, fail.NotFound, "attach.not_found")

	_, err = k.Append(ctx, a.ID, "aino", 5, strings.NewReader("678901"))
	wantKind(t, err, fail.Rejected, "attach.more_than_announced")
	if got := k.row(a.ID); got.State != Uploading || got.Received != 5 {
		t.Errorf("after too many bytes: %s, %d", got.State, got.Received)
	}
	done, err := k.Append(ctx, a.ID, "aino", 5, strings.NewReader("67890"))
	if err != nil {
		t.Fatal(err)
	}
	k.check(done, []byte("1234567890"))
	again, err := k.Append(ctx, a.ID, "aino", 10, strings.NewReader("")) // the answer was lost, the browser asks again
	if err != nil || again.State != Ready {
		t.Errorf("asking after the end: %v, %s", err, again.State)
	}

	gone := k.begin(3)
	if err := k.tx(func(ctx context.Context, tx *db.Tx) error { return k.Cancel(ctx, tx, gone.ID) }); err != nil {
		t.Fatal(err)
	}
	_, err = k.Append(ctx, gone.ID, "aino", 0, strings.NewReader("abc"))
	wantKind(t, err, fail.NotFound, "attach.not_found")
	err = k.tx(func(ctx context.Context, tx *db.Tx) error { return k.Cancel(ctx, tx, a.ID) })
	wantKind(t, err, fail.NotFound, "attach.not_found") // whole: that would be Remove
}

func TestOneAppendAtATime(t *testing.T) {
	k := newKit(t)
	other := k.open(k.db, k.dir) // another node over the same folder
	a := k.begin(6)
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := k.Append(t.Context(), a.ID, "aino", 0, r)
		done <- err
	}()
	if _, err := w.Write([]byte("abc")); err != nil { // the first is in the middle of reading
		t.Fatal(err)
	}
	for _, s := range []*Store{k.Store, other} {
		_, err := s.Append(t.Context(), a.ID, "aino", 0, strings.NewReader("xyz"))
		wantKind(t, err, fail.Conflict, "attach.busy")
	}
	k.sweep() // does not touch what is under way
	if _, err := w.Write([]byte("def")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), <-done); err != nil {
		t.Fatal(err)
	}
	k.check(k.row(a.ID), []byte("abcdef"))
}

func TestCancelledUnderWay(t *testing.T) {
	k := newKit(t)
	a := k.begin(6)
	r := io.MultiReader(strings.NewReader("abc"), readerFunc(func([]byte) (int, error) {
		if err := k.tx(func(ctx context.Context, tx *db.Tx) error { return k.Cancel(ctx, tx, a.ID) }); err != nil {
			t.Error(err)
		}
		return 0, io.EOF
	}), strings.NewReader("def"))
	_, err := k.Append(t.Context(), a.ID, "aino", 0, r)
	wantKind(t, err, fail.Conflict, "attach.gone")
	if done := k.sweep(); done.Partials != 1 || len(k.files("incoming")) != 0 {
		t.Errorf("the cancelled upload's bytes stay: %+v", done)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUploaderLeavesMidway(t *testing.T) {
	k := newKit(t)
	a := k.begin(6)
	ctx, leave := context.WithCancel(t.Context())
	r := io.MultiReader(strings.NewReader("abc"), readerFunc(func([]byte) (int, error) {
		leave()
		return 0, context.Canceled
	}))
	a, err := k.Append(ctx, a.ID, "aino", 0, r)
	if err == nil || a.Received != 3 || k.row(a.ID).Received != 3 {
		t.Errorf("left after 3 bytes: %v, %d, in the row %d", err, a.Received, k.row(a.ID).Received)
	}
}

func TestEqualContentsShareABlob(t *testing.T) {
	k := newKit(t)
	one, two := k.put(file(0), "the same"), k.put(file(0), "the same")
	k.check(one, []byte("the same"))
	k.check(two, []byte("the same"))
	count := func() int {
		r, err := k.CheckDeep(t.Context())
		if err != nil || !r.OK() {
			t.Fatalf("check: %v, %+v", err, r)
		}
		return r.Blobs
	}
	if n := count(); n != 1 {
		t.Fatalf("%d blobs for one content", n)
	}
	k.clock.Move(48 * time.Hour)
	k.remove(one.ID)
	if done := k.sweep(); done.Blobs != 0 || count() != 1 {
		t.Fatalf("swept what another attachment needs: %+v", done)
	}
	k.check(k.row(two.ID), []byte("the same"))
	k.remove(two.ID)
	if done := k.sweep(); done.Blobs != 1 || count() != 0 || len(k.files("trash")) != 0 {
		t.Fatalf("not swept: %+v", done)
	}
	if _, err := k.Content(t.Context(), two); err == nil {
		t.Error("removed bytes can be read")
	}
	k.check(k.put(file(0), "the same"), []byte("the same"))
}

func TestYoungOrphansStay(t *testing.T) {
	k := newKit(t)
	a := k.put(file(0), "x")
	k.remove(a.ID)
	if done := k.sweep(); done.Blobs != 0 {
		t.Errorf("swept a blob that may be about to be named: %+v", done)
	}
	err := k.tx(func(ctx context.Context, tx *db.Tx) error { return k.Remove(ctx, tx, a.ID) })
	wantKind(t, err, fail.NotFound, "attach.not_found")
}

func TestTrashIsPutBack(t *testing.T) {
	k := newKit(t)
	a := k.put(file(0), "needed")
	if err := os.Rename(k.blob(a.Hash), k.trash(a.Hash)); err != nil {
		t.Fatal(err)
	}
	if done := k.sweep(); done.Blobs != 0 || len(done.Missing) != 0 {
		t.Errorf("swept %+v", done)
	}
	k.check(a, []byte("needed"))
}

// The sweeper has taken a blob that nothing names to the trash when the same
// content comes again, and its row is still to be written.
func TestWhatLandsBesideTheSweeperStays(t *testing.T) {
	k := newKit(t)
	k.clock.Move(time.Since(testkit.Start)) // files have the time of the disk
	a := k.put(file(0), "same")
	k.remove(a.ID)
	if err := os.Rename(k.blob(a.Hash), k.trash(a.Hash)); err != nil {
		t.Fatal(err)
	}
	if done := k.sweep(); done.Blobs != 0 || len(k.files("trash")) != 0 {
		t.Errorf("swept %+v", done)
	}
	if _, err := os.Stat(k.blob(a.Hash)); err != nil {
		t.Error(err)
	}
	k.clock.Move(48 * time.Hour)
	if done := k.sweep(); done.Blobs != 1 {
		t.Errorf("an old one that nothing names: %+v", done)
	}
}

func TestLimits(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	small := Limits{File: 2 * megabyte, Total: 3 * megabyte}
	for _, tt := range []struct {
		name   string
		size   int64
		limits Limits
		kind   fail.Kind
		key    string
	}{
		{"empty", 0, small, fail.Rejected, "attach.empty"},
		{"less than nothing", -1, small, fail.Rejected, "attach.empty"},
		{"one byte too many", 2*megabyte + 1, small, fail.TooLarge, "attach.too_large"},
		{"over the default", 500*megabyte + 1, Limits{}, fail.TooLarge, "attach.too_large"},
	} {
		n := file(tt.size)
		n.Limits = tt.limits
		_, err := k.Begin(ctx, n)
		t.Log(tt.name)
		wantKind(t, err, tt.kind, tt.key)
	}
	n := file(2 * megabyte)
	n.Limits = small
	first, err := k.Begin(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Begin(ctx, n)
	wantKind(t, err, fail.TooLarge, "attach.total_too_large")
	if e, ok := errors.AsType[*fail.Error](err); !ok || fmt.Sprint(e.Args...) != "3 1" {
		t.Errorf("limits told: %v", e.Args)
	}
	for _, size := range []int64{-1, 2 * megabyte} {
		n.Size = size
		_, err = k.Put(ctx, n, io.LimitReader(zeros{}, 2*megabyte))
		wantKind(t, err, fail.TooLarge, "attach.total_too_large")
	}
	n.Size = -1
	_, err = k.Put(ctx, n, zeros{})
	if !fail.Is(err, fail.TooLarge) {
		t.Errorf("endless file: %v", err)
	}
	_, err = k.Put(ctx, n, strings.NewReader(""))
	wantKind(t, err, fail.Rejected, "attach.empty")
	if left := k.files("incoming"); len(left) != 0 {
		t.Errorf("refused files left %v", left)
	}
	other := n
	other.Matter, other.Size = "another", 2*megabyte
	if _, err := k.Begin(ctx, other); err != nil {
		t.Errorf("another matter has its own room: %v", err)
	}
	k.remove(first.ID)
	n.Size = 2 * megabyte
	if _, err := k.Begin(ctx, n); err != nil {
		t.Errorf("what was removed takes no room: %v", err)
	}
}

// Two files that land beside each other, and together do not fit: the second
// one's deed is refused.
func TestRoomIsAskedAgainWhenTheDeedIsDone(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	n := file(-1)
	n.Limits = Limits{File: 2 * megabyte, Total: 3 * megabyte}
	land := func() Landed {
		t.Helper()
		l, err := k.Land(ctx, n, io.LimitReader(zeros{}, 2*megabyte))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	one, two := land(), land()
	write := func(l Landed) error {
		return k.tx(func(ctx context.Context, tx *db.Tx) error { return Write(ctx, tx, l) })
	}
	if err := write(one); err != nil {
		t.Fatal(err)
	}
	wantKind(t, write(two), fail.TooLarge, "attach.total_too_large")
	k.remove(one.ID)
	if err := write(two); err != nil {
		t.Errorf("once there is room: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestPut(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	n := file(-1)
	a, err := k.Put(ctx, n, iotest.OneByteReader(strings.NewReader("size unknown")))
	if err != nil {
		t.Fatal(err)
	}
	k.check(a, []byte("size unknown"))
	if a.Size != 12 || a.Project != "p" || a.Matter != "m" || a.Field != "plan" || a.Side != "applicant" || !a.CreatedAt.Equal(testkit.Start) {
		t.Errorf("row is %+v", a)
	}
	_, err = k.Put(ctx, n, broken([]byte("abc"), 2))
	if !errors.Is(err, errBroken) {
		t.Errorf("broken: %v", err)
	}
	n.Size = 5
	_, err = k.Put(ctx, n, strings.NewReader("abc"))
	wantKind(t, err, fail.Rejected, "attach.cut_short")
	_, err = k.Put(ctx, n, strings.NewReader("abcdef"))
	wantKind(t, err, fail.Rejected, "attach.more_than_announced")
	if left := k.files("incoming"); len(left) != 0 {
		t.Errorf("refused files left %v", left)
	}
}

// fullAfter makes a disk that takes only room more bytes.
func fullAfter(room int) func(*os.File, []byte) (int, error) {
	return func(f *os.File, p []byte) (int, error) {
		n, err := f.Write(p[:min(len(p), room)])
		room -= n
		if err == nil && n < len(p) {
			err = &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return n, err
	}
}

func TestDiskFull(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	content := []byte(strings.Repeat("event ", 1000))
	a := k.begin(int64(len(content)))
	k.write = fullAfter(2345)
	a, err := k.Append(ctx, a.ID, "aino", 0, bytes.NewReader(content))
	wantKind(t, err, fail.Unavailable, "error.disk_full")
	if row := k.row(a.ID); row.State != Uploading || row.Received != 2345 || a.Received != 2345 {
		t.Errorf("row is %s with %d of the 2345 bytes, the answer %d", row.State, row.Received, a.Received)
	}
	_, err = k.Put(ctx, file(-1), bytes.NewReader(content))
	wantKind(t, err, fail.Unavailable, "error.disk_full")
	if left := k.files("incoming"); len(left) != 1 {
		t.Errorf("a file that did not fit stays: %v", left)
	}
	k.write = (*os.File).Write
	if a, err = k.Append(ctx, a.ID, "aino", a.Received, bytes.NewReader(content[a.Received:])); err != nil {
		t.Fatal(err)
	}
	k.check(a, content)
}

// TestStopBetweenSteps stops after every step of the end of an upload and
// goes on in a new process: by Sweep, or by the uploader asking again.
func TestStopBetweenSteps(t *testing.T) {
	content := []byte("whole but not told")
	hash := hashOf(content)
	steps := map[string]func(*kit, *Attachment) error{
		"received": func(*kit, *Attachment) error { return nil },
		"claimed": func(k *kit, a *Attachment) error {
			return k.claim(k.t.Context(), a, hash, "text/plain; charset=utf-8")
		},
		"placed": func(k *kit, a *Attachment) error {
			return errors.Join(k.claim(k.t.Context(), a, hash, "text/plain; charset=utf-8"), k.place(k.incoming(a.ID), hash))
		},
		"placed, and the same blob was swept before": func(k *kit, a *Attachment) error {
			same := k.put(file(0), string(content))
			k.remove(same.ID)
			k.clock.Move(48 * time.Hour)
			err := errors.Join(k.claim(k.t.Context(), a, hash, "text/plain; charset=utf-8"), k.place(k.incoming(a.ID), hash))
			k.sweepBlobs(k.t.Context(), &Swept{}) //nolint:errcheck // seen below
			return err
		},
	}
	for name, step := range steps {
		for _, by := range []string{"sweep", "asking again"} {
			t.Run(name+", "+by, func(t *testing.T) {
				k := newKit(t)
				k.Scanner = down{}
				a := k.begin(int64(len(content)))
				a, err := k.Append(t.Context(), a.ID, "aino", 0, bytes.NewReader(content))
				if err != nil || !a.Waiting() {
					t.Fatalf("whole, not scanned: %v, %+v", err, a)
				}
				k.Scanner = Off{}
				if err := step(k, &a); err != nil {
					t.Fatal(err)
				}
				k.restart()
				if by == "sweep" {
					if done := k.sweep(); done.Finished != 1 {
						t.Errorf("swept %+v", done)
					}
				} else if _, err := k.Append(t.Context(), a.ID, "aino", a.Received, strings.NewReader("")); err != nil {
					t.Fatal(err)
				}
				k.check(k.row(a.ID), content)
			})
		}
	}
}

// TestLostBytes is a disk that broke its promise: the uploader goes on from
// what is left.
func TestLostBytes(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	content := []byte("0123456789")
	a := k.begin(10)
	if _, err := k.Append(ctx, a.ID, "aino", 0, bytes.NewReader(content[:8])); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(k.incoming(a.ID), 5); err != nil {
		t.Fatal(err)
	}
	a, err := k.Append(ctx, a.ID, "aino", 8, bytes.NewReader(content[8:]))
	wantKind(t, err, fail.Conflict, "attach.wrong_offset")
	if a.Received != 5 {
		t.Fatalf("go on from %d", a.Received)
	}
	k.Scanner = down{}
	if a, err = k.Append(ctx, a.ID, "aino", 5, bytes.NewReader(content[5:])); err != nil || !a.Waiting() {
		t.Fatalf("%v, %+v", err, a)
	}
	if err := os.Remove(k.incoming(a.ID)); err != nil {
		t.Fatal(err)
	}
	k.Scanner = Off{}
	k.sweep()
	if a = k.row(a.ID); a.Received != 0 || a.State != Uploading {
		t.Fatalf("after all was lost: %+v", a)
	}
	if a, err = k.Append(ctx, a.ID, "aino", 0, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	k.check(a, content)
}

func TestAbandoned(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	never, half, slow := k.begin(9), k.begin(9), k.begin(9)
	for _, a := range []Attachment{half, slow} {
		if _, err := k.Append(ctx, a.ID, "aino", 0, strings.NewReader("abc")); err != nil {
			t.Fatal(err)
		}
	}
	k.clock.Move(6 * 24 * time.Hour)
	if _, err := k.Append(ctx, slow.ID, "aino", 3, strings.NewReader("def")); err != nil {
		t.Fatal(err)
	}
	if done := k.sweep(); done.Abandoned != 0 {
		t.Fatalf("given up after six days: %+v", done)
	}
	if err := os.WriteFile(k.incoming(db.NewID()), []byte("of a Put that stopped"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.clock.Move(25 * time.Hour)
	if done := k.sweep(); done.Abandoned != 2 || done.Partials != 2 {
		t.Errorf("after a week: %+v", done)
	}
	for _, a := range []Attachment{never, half} {
		_, err := k.Append(ctx, a.ID, "aino", a.Received, strings.NewReader("x"))
		wantKind(t, err, fail.NotFound, "attach.not_found")
	}
	a, err := k.Append(ctx, slow.ID, "aino", 6, strings.NewReader("ghi"))
	if err != nil {
		t.Fatal(err)
	}
	k.check(a, []byte("abcdefghi"))
	if left := k.files("incoming"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestCheck(t *testing.T) {
	k := newKit(t)
	ctx := t.Context()
	good, gone, short, changed, orphan := k.put(file(0), "good"), k.put(file(0), "gone"), k.put(file(0), "short"), k.put(file(0), "changed"), k.put(file(0), "orphan")
	k.remove(orphan.ID)
	if err := errors.Join(os.Remove(k.blob(gone.Hash)), os.Truncate(k.blob(short.Hash), 2), os.WriteFile(k.blob(changed.Hash), []byte("CHANGED"), 0o600)); err != nil {
		t.Fatal(err)
	}
	want := Report{Attachments: 4, Blobs: 4, Bytes: 4 + 2 + 7 + 6, Missing: []string{gone.ID}, Damaged: []string{short.ID}, Orphans: []string{orphan.Hash}}
	got, err := k.Check(ctx)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("check: %v\n%s", err, diff)
	}
	want.Damaged = append(want.Damaged, changed.ID)
	slices.Sort(want.Damaged)
	got, err = k.CheckDeep(ctx)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || got.OK() {
		t.Errorf("deep check: %v\n%s", err, diff)
	}
	if done := k.sweep(); !slices.Equal(done.Missing, []string{gone.ID}) {
		t.Errorf("sweep says missing %v", done.Missing)
	}
	for _, a := range []Attachment{gone, short} {
		if _, err := k.Content(ctx, a); err == nil {
			t.Error("a damaged attachment opens")
		}
	}
	k.put(file(0), "changed") // the same bytes again heal the blob
	k.check(k.row(changed.ID), []byte("changed"))
	k.check(good, []byte("good"))
}

func TestLists(t *testing.T) {
	k := newKit(t)
	answer := k.put(file(0), "1")
	n := file(0)
	n.Place, n.Field = Message, ""
	message := k.put(n, "2")
	n.Matter, n.Place, n.Field = "", Answer, "map"
	common := k.put(n, "3")
	n.Project = "another"
	k.put(n, "4")
	removed := k.put(file(0), "5")
	k.remove(removed.ID)
	err := k.db.View(t.Context(), func(tx *db.Tx) error {
		ctx := t.Context()
		for _, tt := range []struct {
			name string
			list func() ([]Attachment, error)
			want []Attachment
		}{
			{"a matter's", func() ([]Attachment, error) { return OfMatter(ctx, tx, "m") }, []Attachment{answer, message}},
			{"of its messages", func() ([]Attachment, error) { return OfMatter(ctx, tx, "m", Message, Decision) }, []Attachment{message}},
			{"of no matter", func() ([]Attachment, error) { return OfMatter(ctx, tx, "") }, nil},
			{"a project's own", func() ([]Attachment, error) { return OfProject(ctx, tx, "p") }, []Attachment{common}},
			{"by id", func() ([]Attachment, error) {
				return ByIDs(ctx, tx, []string{removed.ID, common.ID, "none", answer.ID, answer.ID})
			}, []Attachment{answer, common}},
			{"no id", func() ([]Attachment, error) { return ByIDs(ctx, tx, nil) }, nil},
		} {
			got, err := tt.list()
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", tt.name, err, diff)
			}
		}
		_, err := Find(ctx, tx, removed.ID)
		wantKind(t, err, fail.NotFound, "attach.not_found")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBind(t *testing.T) {
	k := newKit(t)
	n := file(0)
	n.Place, n.Field = Message, ""
	one, two := k.put(n, "1"), k.put(n, "2")
	answer := k.put(file(0), "3")
	n.Size = 5
	half, err := k.Begin(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	bind := func(by, matter, field string, ids ...string) error {
		return k.tx(func(ctx context.Context, tx *db.Tx) error { return Bind(ctx, tx, ids, by, matter, field) })
	}
	for _, tt := range []struct {
		name, by, matter string
		ids              []string
		kind             fail.Kind
		key              string
	}{
		{"another's", "eero", "m", []string{one.ID}, fail.NotFound, "attach.not_found"},
		{"another matter's", "aino", "m2", []string{one.ID}, fail.NotFound, "attach.not_found"},
		{"one that is not there", "aino", "m", []string{one.ID, "none"}, fail.NotFound, "attach.not_found"},
		{"not whole", "aino", "m", []string{one.ID, half.ID}, fail.Conflict, "attach.not_ready"},
		{"an answer", "aino", "m", []string{answer.ID}, fail.Conflict, "attach.already_used"},
	} {
		t.Log(tt.name)
		wantKind(t, bind(tt.by, tt.matter, "message:7", tt.ids...), tt.kind, tt.key)
	}
	if k.row(one.ID).Field != "" {
		t.Fatal("bound by a refused deed")
	}
	for range 2 { // twice is once
		if err := bind("aino", "m", "message:7", one.ID, two.ID, one.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.row(two.ID); got.Field != "message:7" || got.Place != Message {
		t.Errorf("bound to %s, %s", got.Place, got.Field)
	}
	wantKind(t, bind("aino", "m", "message:8", one.ID), fail.Conflict, "attach.already_used")
	three := k.put(n, "12345")
	if err := bind("aino", "m", "decision", three.ID); err != nil || k.row(three.ID).Place != Decision {
		t.Errorf("decision: %v, %s", err, k.row(three.ID).Place)
	}
	if err := bind("aino", "m", "message:9"); err != nil {
		t.Errorf("nothing to bind: %v", err)
	}
	if err := bind("aino", "m", "answer:1", one.ID); err == nil {
		t.Error("bound to a place that is none")
	}
}

// TestMemory uploads 200 MB and watches the heap.
func TestMemory(t *testing.T) {
	k := newKit(t)
	const size = 200 * megabyte
	a := k.begin(size)
	h := sha256.New()
	random := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), h)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var most uint64
	reads := 0
	r := readerFunc(func(p []byte) (int, error) {
		if reads++; reads%50 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
		return random.Read(p)
	})
	a, err := k.Append(t.Context(), a.ID, "aino", 0, r)
	if err != nil || a.State != Ready || a.Hash != hex.EncodeToString(h.Sum(nil)) {
		t.Fatalf("%v, %s", err, a.State)
	}
	if grew := int64(most) - int64(before.HeapAlloc); grew > 8*megabyte {
		t.Errorf("the heap grew by %d bytes for an upload of %d", grew, size)
	}
}
