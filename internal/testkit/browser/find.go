package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
)

// A node is a part of the page as a screen reader knows it.
type node struct {
	role, name string
	id         cdp.BackendNodeID
	disabled   bool
	checked    bool
	focused    bool
}

// wanted says what is looked for: one of the roles, and the name.
type wanted struct {
	roles []string
	name  string
}

func (w wanted) String() string { return fmt.Sprintf("%s %q", strings.Join(w.roles, " or "), w.name) }

// In returns the page narrowed to one part of it: a region, a dialog, or a row
// of a table. A part that has no name, as rows have none, is known by a text in
// it. The part is looked up anew every time.
func (p *Page) In(role, name string) *Page {
	return &Page{window: p.window, scope: append(slices.Clone(p.scope), wanted{[]string{role}, name})}
}

// find waits for the one part that is wanted.
func (p *Page) find(w wanted) node {
	p.t.Helper()
	var found node
	err := p.until(func() (err error) {
		found, err = p.look(w)
		return err
	})
	if err != nil {
		p.fatal("%v", err)
	}
	return found
}

// look finds the one part that is wanted, now: by its whole name, or else by a
// part of the name that no other has.
func (p *Page) look(w wanted) (node, error) {
	root, err := p.root()
	if err != nil {
		return node{}, err
	}
	// Those that bear just this name are told apart by the browser, many times
	// faster than it tells of them all.
	if name := plain(w.name); name != "" {
		nodes, err := p.nodes(accessibility.QueryAXTreeParams{ObjectID: root, AccessibleName: name})
		if err == nil {
			if n, err := pick(nodes, w); err == nil {
				return n, nil
			}
		}
	}
	nodes, err := p.nodes(accessibility.QueryAXTreeParams{ObjectID: root})
	if err != nil {
		return node{}, err
	}
	return pick(nodes, w)
}

func pick(nodes []node, w wanted) (node, error) {
	var exact, part []node
	var others []string
	name := plain(w.name)
	for _, n := range nodes {
		switch {
		case !slices.Contains(w.roles, n.role):
		case n.name == name:
			exact = append(exact, n)
		case strings.Contains(n.name, name):
			part = append(part, n)
		default:
			others = append(others, fmt.Sprintf("%s %q", n.role, n.name))
		}
	}
	found := exact
	if len(found) == 0 {
		found = part
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(others) == 0 {
			return node{}, fmt.Errorf("there is no %s, and nothing else of that kind", w)
		}
		return node{}, fmt.Errorf("there is no %s; there is %s", w, strings.Join(others, ", "))
	}
	var names []string
	for _, n := range found {
		names = append(names, fmt.Sprintf("%q", n.name))
	}
	return node{}, fmt.Errorf("there are %d of %s: %s (narrow it with In)", len(found), w, strings.Join(names, ", "))
}

// root returns the document, or the part that In names.
func (p *Page) root() (runtime.RemoteObjectID, error) {
	res, err := ask(p, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return "", err
	}
	root := res.Result.ObjectID
	for _, w := range p.scope {
		nodes, err := p.nodes(accessibility.QueryAXTreeParams{ObjectID: root})
		if err != nil {
			return "", err
		}
		for i, n := range nodes {
			if n.name == "" && slices.Contains(w.roles, n.role) {
				if nodes[i].name, err = p.textOf(n); err != nil {
					return "", err
				}
			}
		}
		n, err := pick(nodes, w)
		if err != nil {
			return "", err
		}
		if root, err = p.object(n); err != nil {
			return "", err
		}
	}
	return root, nil
}

// nodes lists what a screen reader finds, of all that is asked for.
func (p *Page) nodes(of accessibility.QueryAXTreeParams) ([]node, error) {
	res, err := ask(p, accessibility.QueryAXTree, of)
	if err != nil {
		return nil, err
	}
	return known(res.Nodes), nil
}

func known(tree []*accessibility.Node) []node {
	var nodes []node
	for _, n := range tree {
		if n.Ignored || n.BackendDOMNodeID == 0 {
			continue
		}
		found := node{role: word(n.Role), name: plain(word(n.Name)), id: n.BackendDOMNodeID}
		for _, property := range n.Properties {
			switch property.Name {
			case accessibility.PropertyNameDisabled:
				found.disabled = string(property.Value.Value) == "true"
			case accessibility.PropertyNameFocused:
				found.focused = string(property.Value.Value) == "true"
			case accessibility.PropertyNameChecked:
				found.checked = word(property.Value) == "true"
			}
		}
		nodes = append(nodes, found)
	}
	return nodes
}

// word reads a string out of the tree.
func word(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// object gives the element that a node stands for.
func (p *Page) object(n node) (runtime.RemoteObjectID, error) {
	res, err := ask(p, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: n.id})
	if err != nil {
		return "", err
	}
	return res.Object.ObjectID, nil
}

func (p *Page) textOf(n node) (string, error) {
	object, err := p.object(n)
	if err != nil {
		return "", err
	}
	text, err := on[string](p, object, `function() { return this.innerText || this.textContent }`)
	return plain(text), err
}

// evaluate runs a script of the test in the page; also where the page may run
// none itself. The policy of the page does not bind it.
func evaluate[T any](p *Page, script string) (T, error) {
	yes := true
	res, err := ask(p, runtime.Evaluate, runtime.EvaluateParams{Expression: script, ReturnByValue: &yes, AwaitPromise: &yes, Silent: &yes})
	return result[T](res.Result, res.ExceptionDetails, err)
}

// on runs a function of the test with an element as this.
func on[T any](p *Page, object runtime.RemoteObjectID, function string, args ...any) (T, error) {
	yes := true
	params := runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: object, ReturnByValue: &yes, AwaitPromise: &yes, Silent: &yes}
	for _, a := range args {
		value, err := json.Marshal(a)
		if err != nil {
			var zero T
			return zero, err
		}
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: value})
	}
	res, err := ask(p, runtime.CallFunctionOn, params)
	return result[T](res.Result, res.ExceptionDetails, err)
}

func result[T any](o *runtime.RemoteObject, thrown *runtime.ExceptionDetails, err error) (T, error) {
	var v T
	switch {
	case err != nil:
		return v, err
	case thrown != nil:
		return v, fmt.Errorf("in the page: %s", exception(thrown))
	case o == nil || len(o.Value) == 0:
		return v, nil
	}
	return v, json.Unmarshal(o.Value, &v)
}
