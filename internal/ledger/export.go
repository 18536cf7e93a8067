package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"luvat/internal/db"
)

// line is an entry in an export. Data is a string, so that no reader of JSON
// reformats the bytes that were hashed.
type line struct {
	Entry
	Data string `json:"data"`
}

// Export writes every entry as one JSON object a line, each stream in order,
// after them the heads, {"head": stream, "n": …, "hash": …}, and last how many
// there were, {"end": true, "entries": …, "streams": …}, so that a stream or a
// file whose end was cut off is noticed too.
func Export(ctx context.Context, d *db.DB, w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	err := d.View(ctx, func(tx *db.Tx) error {
		end := endLine{End: true}
		err := walk(ctx, tx, func(e Entry) error { end.Entries++; return enc.Encode(line{e, string(e.Data)}) })
		if err != nil {
			return err
		}
		if err := heads(ctx, tx, func(h headLine) error { end.Streams++; return enc.Encode(h) }); err != nil {
			return err
		}
		return enc.Encode(end)
	})
	if err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	return out.Flush()
}

type headLine struct {
	Head string `json:"head"`
	N    int64  `json:"n"`
	Hash string `json:"hash"`
}

type endLine struct {
	End     bool  `json:"end"`
	Entries int64 `json:"entries"`
	Streams int   `json:"streams"`
}

func walk(ctx context.Context, tx *db.Tx, fn func(Entry) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM ledger ORDER BY stream, n`)
	if err != nil {
		return err
	}
	return rows.Each(func() error {
		var e Entry
		if err := scan(rows, &e); err != nil {
			return err
		}
		return fn(e)
	})
}

func heads(ctx context.Context, tx *db.Tx, fn func(headLine) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT stream, n, hash FROM ledger_heads ORDER BY stream`)
	if err != nil {
		return err
	}
	return rows.Each(func() error {
		var h headLine
		if err := rows.Scan(&h.Head, &h.N, &h.Hash); err != nil {
			return err
		}
		return fn(h)
	})
}

func (v *Verifier) against(h headLine) error {
	n, hash := v.Head(h.Head)
	if n != h.N || hash != h.Hash {
		return fmt.Errorf("%w: %s ends at number %d, its head says %d", ErrBroken, h.Head, n, h.N)
	}
	return nil
}

// VerifyExport checks an export and returns what was seen. It needs nothing
// but the file. The error wraps ErrBroken when the chain does not hold.
func VerifyExport(r io.Reader) (Verifier, error) {
	var v Verifier
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), 16<<20)
	heads, end := 0, endLine{}
	for n := 1; in.Scan(); n++ {
		var l struct {
			line
			Head string `json:"head"`
			endLine
		}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return v, fmt.Errorf("line %d is not an entry: %w", n, err)
		}
		if end.End {
			return v, fmt.Errorf("%w: line %d comes after the end", ErrBroken, n)
		}
		if l.End {
			end = l.endLine
			continue
		}
		if l.Head != "" {
			heads++
			if err := v.against(headLine{l.Head, l.N, l.Hash}); err != nil {
				return v, fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		l.Entry.Data = json.RawMessage(l.line.Data)
		if err := v.Add(l.Entry); err != nil {
			return v, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := in.Err(); err != nil {
		return v, err
	}
	if !end.End || end.Entries != v.Entries || end.Streams != v.Streams() || heads != v.Streams() {
		return v, fmt.Errorf("%w: the export is not whole", ErrBroken)
	}
	return v, nil
}

// Verify checks every chain of the database against its heads.
func Verify(ctx context.Context, d *db.DB) (Verifier, error) {
	var v Verifier
	err := d.View(ctx, func(tx *db.Tx) error {
		if err := walk(ctx, tx, v.Add); err != nil {
			return err
		}
		return heads(ctx, tx, v.against)
	})
	if err != nil {
		return v, fmt.Errorf("verify the ledger: %w", err)
	}
	return v, nil
}
