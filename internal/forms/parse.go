package forms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"luvat/internal/i18n"
)

// draft is the only dialect we read.
const draft = "https://json-schema.org/draft/2020-12/schema"

// A ParseOption changes how [Parse] reads a form.
type ParseOption func(*settings)

type settings struct {
	municipality func(code string) bool
}

// Municipalities makes the form refuse codes of municipalities that do not
// exist. Without it any three digits will do.
func Municipalities(exists func(code string) bool) ParseOption {
	return func(s *settings) { s.municipality = exists }
}

// Parse reads a form. The error names all that is wrong with the three bodies
// and with their agreement: fields without a place in the layout or without
// words in all three languages, words of nothing, rules that look at what is
// not there, fields that can be required while nobody sees them.
func Parse(id string, schema, ui, words []byte, options ...ParseOption) (*Form, error) {
	var set settings
	for _, option := range options {
		option(&set)
	}
	f := &Form{
		id:     id,
		bodies: [3][]byte{slices.Clone(schema), slices.Clone(ui), slices.Clone(words)},
		byPath: map[string]*field{},
		byTerm: map[string]string{},
	}
	m := &mistakes{form: id}
	w := readWords(m.in("words"), words)
	c := newCompiler(set)
	f.readSchema(m.in("schema"), schema, w, c)
	if f.schema == nil {
		return nil, m.err()
	}
	f.readLayout(m.in("ui"), ui, w, c)
	w.unused()
	f.markConditions()
	if m.none() { // what follows needs a sound form
		f.checkReachable(m.in("schema and ui"))
	}
	if err := m.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// readSchema compiles the schema and reads its fields. It leaves f.schema nil
// if the schema cannot be used at all.
func (f *Form) readSchema(m *mistakes, body []byte, w *words, c *compiler) {
	d := decoder{order: map[string][]string{}, maxDepth: 64}
	doc, err := d.decode(body)
	if err != nil {
		m.add("%v", err)
		return
	}
	root, ok := doc.(map[string]any)
	if !ok {
		m.add("is not an object")
		return
	}
	if dialect, ok := root["$schema"]; ok && dialect != draft {
		m.add("$schema is %v; only %s", dialect, draft)
		return
	}
	if root["type"] != "object" {
		m.add("the top level needs \"type\": \"object\"")
	}
	if f.schema, err = c.compile(root); err != nil {
		m.add("%v", err)
		return
	}
	r := &fieldReader{root: root, order: d.order, words: w, byPath: f.byPath, byTerm: f.byTerm, mistakes: m}
	f.fields = r.object(root, "", nil, "")
	f.common, f.commonRequired = texts(root["x-common"]), texts(root["x-common-required"])
	for _, term := range f.commonRequired {
		if !slices.Contains(f.common, term) {
			m.add("x-common-required names %q, which is not in x-common", term)
		}
	}
	f.checkConditionalNames(m, root)
}

// checkConditionalNames finds names in if, then and else that are no fields: a
// condition on a misspelt name would hold always or never.
func (f *Form) checkConditionalNames(m *mistakes, root map[string]any) {
	var walk func(v any, prefix string)
	walk = func(v any, prefix string) {
		schema, ok := v.(map[string]any)
		if !ok {
			return
		}
		props, _ := schema["properties"].(map[string]any)
		for _, name := range slices.Concat(slices.Sorted(maps.Keys(props)), texts(schema["required"])) {
			if path := join(prefix, name); f.byPath[path] == nil {
				m.add("a condition names %s, which is no field", path)
				continue
			}
			walk(props[name], join(prefix, name))
		}
		for _, key := range []string{"if", "then", "else", "not", "items", "contains"} {
			walk(schema[key], prefix)
		}
		for _, key := range []string{"allOf", "anyOf", "oneOf"} {
			list, _ := schema[key].([]any)
			for _, s := range list {
				walk(s, prefix)
			}
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf", "if", "then", "else", "not"} {
		walk(map[string]any{key: root[key]}, "")
	}
}

// A compiler compiles schemas that cannot reach outside themselves.
type compiler struct {
	c *jsonschema.Compiler
	n int
}

func newCompiler(set settings) *compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(closed{})
	for name, check := range formats(set) {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !check(s) {
				return errFormat
			}
			return nil
		}})
	}
	return &compiler{c: c}
}

func (c *compiler) compile(doc any) (*jsonschema.Schema, error) {
	c.n++
	url := fmt.Sprintf("form:///%d", c.n)
	if err := c.c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.c.Compile(url)
}

// closed is a loader that opens nothing: a form is whole in itself.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: a form may not refer to other documents", url)
}

// words are the texts of a form and who has asked for them.
type words struct {
	texts    map[string]i18n.Text
	used     map[string]bool
	broken   bool // could not be read: that is told once, not per key
	mistakes *mistakes
}

func readWords(m *mistakes, body []byte) *words {
	w := &words{used: map[string]bool{}, mistakes: m}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&w.texts); err != nil {
		m.add("%v", err)
		w.broken = true
		return w
	}
	for _, key := range slices.Sorted(maps.Keys(w.texts)) {
		t := w.texts[key]
		for _, lang := range i18n.Langs {
			if strings.TrimSpace(t.In(lang)) == "" {
				m.add("%s: no text in %q", key, lang)
			}
		}
	}
	return w
}

// label returns the text of a key that must be there.
func (w *words) label(key string) i18n.Text {
	t, ok := w.texts[key]
	if !ok && !w.used[key] && !w.broken {
		w.mistakes.add("%s: missing", key)
	}
	w.used[key] = true
	return t
}

func (w *words) help(key string) i18n.Text {
	w.used[key+".help"] = true
	return w.texts[key+".help"]
}

// unused reports words of nothing: most often a misspelt key.
func (w *words) unused() {
	for _, key := range slices.Sorted(maps.Keys(w.texts)) {
		if !w.used[key] {
			w.mistakes.add("%s: belongs to no field, choice or group", key)
		}
	}
}

// mistakes collects what is wrong with a form, for the people who write forms.
type mistakes struct {
	form, where string
	list        *[]error
}

func (m *mistakes) in(where string) *mistakes {
	if m.list == nil {
		m.list = new([]error)
	}
	return &mistakes{m.form, where, m.list}
}

func (m *mistakes) add(format string, args ...any) {
	*m.list = append(*m.list, fmt.Errorf("form %s: %s: %s", m.form, m.where, fmt.Sprintf(format, args...)))
}

func (m *mistakes) none() bool { return m.list == nil || len(*m.list) == 0 }

func (m *mistakes) err() error {
	if m.none() {
		return nil
	}
	return errors.Join(*m.list...)
}
