package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"luvat/internal/identity"
)

// A client speaks HTTP over one kept connection, with as little work of its
// own as can be: it shares the processors with the hub.
type client struct {
	addr, cookie string
	conn         net.Conn
	in           *bufio.Reader
	out          bytes.Buffer
}

type answer struct {
	status   int
	header   http.Header
	body     []byte // as a person would read it: unpacked
	onWire   int    // bytes of the body as they came
	location string
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *client) send(method, path, contentType string, body []byte) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept-Language: fi\r\nAccept-Encoding: gzip\r\n", method, path, c.addr, c.cookie)
	if body != nil {
		fmt.Fprintf(&c.out, "Origin: http://%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", c.addr, contentType, len(body))
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	_, err := c.conn.Write(c.out.Bytes())
	return err
}

// quick asks and throws the body away: for the measured time.
func (c *client) quick(method, path, contentType string, body []byte) (status int, location string, err error) {
	if err := c.send(method, path, contentType, body); err != nil {
		return 0, "", err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, "", err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Location"), errors.Join(err, res.Body.Close())
}

// get asks and reads the whole answer.
func (c *client) get(path string) (*answer, error) {
	if err := c.send("GET", path, "", nil); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	a := &answer{status: res.StatusCode, header: res.Header, body: raw, onWire: len(raw), location: res.Header.Get("Location")}
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		if a.body, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// signIn makes a session as signing in does, and returns its cookie.
func signIn(ctx context.Context, s *identity.Sessions, person string, h identity.Hat) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	if err != nil {
		return "", err
	}
	w := &headerOnly{header: http.Header{}}
	var failed error
	s.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		failed = s.SignIn(r.Context(), identity.Visit{Person: identity.Person{ID: person}, Hat: h})
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(w, req)
	cookie, _, _ := strings.Cut(w.header.Get("Set-Cookie"), ";")
	if failed == nil && cookie == "" {
		failed = errors.New("no session was begun")
	}
	return cookie, failed
}

type headerOnly struct{ header http.Header }

func (w *headerOnly) Header() http.Header         { return w.header }
func (w *headerOnly) Write(p []byte) (int, error) { return len(p), nil }
func (w *headerOnly) WriteHeader(int)             {}

// A form is what a page's form would post if nothing were changed.
type form struct{ fields []field }

type field struct {
	name, value string
	file        bool
}

var (
	formPattern  = regexp.MustCompile(`(?s)<form[^>]*method="post"[^>]*>.*?</form>`)
	inputPattern = regexp.MustCompile(`(?s)<input([^>]*)>|<textarea([^>]*)>(.*?)</textarea>|<select([^>]*)>(.*?)</select>`)
	pickPattern  = regexp.MustCompile(`(?s)<option([^>]*)>`)
	attrPattern  = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
)

func attributes(s string) map[string]string {
	all := map[string]string{}
	for _, m := range attrPattern.FindAllStringSubmatch(s, -1) {
		all[m[1]] = html.UnescapeString(m[2])
	}
	return all
}

// readForm reads the page's largest form; it knows the pages of this hub and
// no others.
func readForm(page []byte) (f form) {
	var text string
	for _, m := range formPattern.FindAllString(string(page), -1) {
		if len(m) > len(text) {
			text = m
		}
	}
	for _, m := range inputPattern.FindAllStringSubmatch(text, -1) {
		switch {
		case m[2] != "":
			f.add(attributes(m[2]), html.UnescapeString(strings.TrimPrefix(m[3], "\n")))
		case m[4] != "":
			value := ""
			for _, o := range pickPattern.FindAllStringSubmatch(m[5], -1) {
				if a := attributes(o[1]); has(a, "selected") {
					value = a["value"]
				}
			}
			f.add(attributes(m[4]), value)
		default:
			a := attributes(m[1])
			if (a["type"] == "radio" || a["type"] == "checkbox") && !has(a, "checked") || a["type"] == "submit" {
				continue
			}
			f.add(a, a["value"])
		}
	}
	return f
}

func has(a map[string]string, name string) bool {
	_, ok := a[name]
	return ok
}

func (f *form) add(a map[string]string, value string) {
	if a["name"] != "" && !has(a, "disabled") {
		f.fields = append(f.fields, field{a["name"], value, a["type"] == "file"})
	}
}

const (
	matterMark  = "\x01matter\x01"
	projectMark = "\x01project\x01"
)

// template puts marks where the draft's own identifiers stand.
func (f *form) template(x draft) {
	swap := strings.NewReplacer(x.matter, matterMark, x.project, projectMark)
	for i := range f.fields {
		f.fields[i].name, f.fields[i].value = swap.Replace(f.fields[i].name), swap.Replace(f.fields[i].value)
	}
}

// in is the reverse of template for another draft.
func (x draft) in(s string) string {
	if !strings.Contains(s, "\x01") {
		return s
	}
	return strings.NewReplacer(matterMark, x.matter, projectMark, x.project).Replace(s)
}

func expect(what string, want, got int, err error) error {
	if err == nil && got != want {
		err = errors.New("status " + strconv.Itoa(got) + " instead of " + strconv.Itoa(want))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
