package browser

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Goto opens an address, or a path below Options.Base, and waits until it has
// loaded. Any answer will do: see Status.
func (p *Page) Goto(url string) {
	p.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = strings.TrimSuffix(p.options.Base, "/") + url
	}
	res, err := ask(p, page.Navigate, page.NavigateParams{URL: url})
	if err == nil && res.ErrorText != "" && !res.IsDownload {
		err = errors.New(res.ErrorText)
	}
	if err != nil {
		p.t.Fatalf("go to %s: %v", url, err)
	}
	p.settle()
}

// Resize makes the window wider or narrower.
func (p *Page) Resize(width int) {
	p.t.Helper()
	if err := p.size(width); err != nil {
		p.fatal("make the window %d wide: %v", width, err)
	}
	p.settle()
}

func (p *Page) size(width int) error {
	return call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(width), Height: int64(p.options.Height), DeviceScaleFactor: 1, Mobile: false,
	})
}

// Back goes back in the history.
func (p *Page) Back() {
	p.t.Helper()
	// Not chromedp.NavigateBack: it waits for an answer, and a page that the
	// browser has kept needs none.
	history, err := ask(p, page.GetNavigationHistory, cdp.Empty{})
	if err != nil || history.CurrentIndex == 0 {
		p.fatal("there is no page to go back to (%v)", err)
	}
	to := history.CurrentIndex - 1
	err = call(p, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[to].ID})
	if err == nil {
		err = p.until(func() error {
			now, err := ask(p, page.GetNavigationHistory, cdp.Empty{})
			if err == nil && now.CurrentIndex != to {
				err = errors.New("the page stays")
			}
			return err
		})
	}
	if err != nil {
		p.fatal("go back: %v", err)
	}
	p.settle()
}

// Reload asks for the page again.
func (p *Page) Reload() {
	p.t.Helper()
	if err := call(p, page.Reload, page.ReloadParams{}); err != nil {
		p.fatal("reload: %v", err)
	}
	p.settle()
}

// Click clicks on the one thing with this role and name: button, link, tab,
// menuitem, switch, row … It must be in sight, in use, and not covered.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.click(wanted{[]string{role}, name})
}

// ClickText clicks where this text stands.
func (p *Page) ClickText(text string) {
	p.t.Helper()
	p.click(wanted{[]string{"StaticText"}, text})
}

// textual are the roles of what one types into, as Chromium names them.
var textual = []string{"textbox", "searchbox", "spinbutton", "combobox", "Date", "DateTime", "InputTime", "ColorWell"}

// Fill types the value into the field with this label, instead of what was
// there. Dates and times are given as the form sends them: 2027-03-02,
// 2027-03-02T09:00, 09:00.
func (p *Page) Fill(label, value string) {
	p.t.Helper()
	w := wanted{textual, label}
	p.act(w, func(n node) error {
		object, err := p.ready(n)
		if err != nil {
			return err
		}
		typed, err := on[bool](p, object, `function() {
			if (this.readOnly) throw new Error("the field is read-only");
			this.focus();
			if (["date", "datetime-local", "time", "month", "week", "color", "range"].includes(this.type)) return false;
			if (this.select) this.select(); else document.getSelection().selectAllChildren(this);
			return true;
		}`)
		switch {
		case err != nil:
			return err
		case !typed:
			return p.put(object, `function(value) {
				const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
				set.call(this, value);
				if (this.value !== value) throw new Error("the field does not take " + value);
			}`, value)
		case value == "":
			return p.keys("Delete")
		}
		return call(p, input.InsertText, input.InsertTextParams{Text: value})
	})
	p.settle()
}

// Select chooses an option of the list with this label, by the option's text.
func (p *Page) Select(label, option string) {
	p.t.Helper()
	p.act(wanted{[]string{"combobox", "listbox"}, label}, func(n node) error {
		object, err := p.ready(n)
		if err != nil {
			return err
		}
		return p.put(object, `function(text) {
			if (!this.options) throw new Error("it is no list of options");
			const plain = s => s.replace(/\s+/g, " ").trim();
			const found = [...this.options].filter(o => plain(o.label || o.text) === plain(text));
			if (found.length !== 1) throw new Error(found.length + " options are called so; there are: " + [...this.options].map(o => plain(o.text)).join(", "));
			if (found[0].disabled) throw new Error("the option cannot be chosen");
			this.focus();
			found[0].selected = true;
		}`, option)
	})
	p.settle()
}

var checkable = []string{"checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"}

// Check ticks the box, or chooses the one of several, with this label.
func (p *Page) Check(label string) {
	p.t.Helper()
	p.check(label, true)
}

// Uncheck takes the tick away.
func (p *Page) Uncheck(label string) {
	p.t.Helper()
	p.check(label, false)
}

func (p *Page) check(label string, want bool) {
	p.t.Helper()
	w := wanted{checkable, label}
	if p.find(w).checked != want {
		p.click(w)
	}
	if err := p.until(func() error {
		n, err := p.look(w)
		if err == nil && n.checked != want {
			return fmt.Errorf("%s was clicked, and is not as it should be", w)
		}
		return err
	}); err != nil {
		p.fatal("%v", err)
	}
}

// Upload gives files to the file field with this label.
func (p *Page) Upload(label string, files ...string) {
	p.t.Helper()
	var paths []string
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			p.t.Fatal(err)
		}
		paths = append(paths, path)
	}
	// Chromium calls the field a button, named by its label and "Choose File".
	p.act(wanted{[]string{"button"}, label}, func(n node) error {
		object, err := p.object(n)
		if err != nil {
			return err
		}
		if kind, err := on[string](p, object, `function() { return this.type }`); err != nil || kind != "file" {
			return errors.Join(err, fmt.Errorf("%q is no file field", label))
		}
		return call(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: paths, ObjectID: object})
	})
	p.settle()
}

// Focus puts the focus on the one thing with this role and name.
func (p *Page) Focus(role, name string) {
	p.t.Helper()
	p.act(wanted{[]string{role}, name}, func(n node) error {
		return call(p, dom.Focus, dom.FocusParams{BackendNodeID: n.id})
	})
}

// Press presses keys, one after another, where the focus is: "Tab", "Enter",
// "Space", "Escape", "ArrowDown", "Shift+Tab", "Control+a", or a letter.
func (p *Page) Press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		if err := p.keys(key); err != nil {
			p.fatal("press %s: %v", key, err)
		}
		p.settle()
	}
}

var named = map[string]string{
	"Tab": kb.Tab, "Enter": kb.Enter, "Space": " ", "Escape": kb.Escape, "Backspace": kb.Backspace, "Delete": kb.Delete,
	"ArrowDown": kb.ArrowDown, "ArrowUp": kb.ArrowUp, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
	"Home": kb.Home, "End": kb.End, "PageUp": kb.PageUp, "PageDown": kb.PageDown,
}

func (p *Page) keys(key string) error {
	var options []chromedp.KeyOption
	for _, m := range []struct {
		name string
		is   chromedp.Modifier
	}{{"Shift+", chromedp.ModifierShift}, {"Control+", chromedp.ModifierCtrl}, {"Alt+", chromedp.ModifierAlt}} {
		if rest, ok := strings.CutPrefix(key, m.name); ok {
			key = rest
			options = append(options, chromedp.KeyModifiers(m.is))
		}
	}
	if k, ok := named[key]; ok {
		key = k
	} else if len([]rune(key)) != 1 {
		return errors.New("no key is called so")
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTime)
	defer cancel()
	return chromedp.Do(ctx, chromedp.KeyEvent(key, options...))
}

// act finds what is wanted and does something with it. A page that draws
// itself anew in between gets another try.
func (p *Page) act(w wanted, do func(node) error) {
	p.t.Helper()
	err := p.until(func() error {
		n, err := p.look(w)
		if err != nil {
			return err
		}
		if err := do(n); err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
		return nil
	})
	if err != nil {
		p.fatal("%v", err)
	}
}

// ready tells whether one can use a field, and gives its element.
func (p *Page) ready(n node) (runtime.RemoteObjectID, error) {
	if n.disabled {
		return "", errors.New("it is out of use (disabled)")
	}
	if err := call(p, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: n.id}); err != nil {
		return "", fmt.Errorf("it is not in sight: %w", err)
	}
	return p.object(n)
}

// put sets a value as the browser does when a person has chosen it.
func (p *Page) put(object runtime.RemoteObjectID, function string, value string) error {
	if _, err := on[any](p, object, function, value); err != nil {
		return err
	}
	_, err := on[any](p, object, `function() {
		this.dispatchEvent(new Event("input", {bubbles: true, composed: true}));
		this.dispatchEvent(new Event("change", {bubbles: true}));
	}`)
	return err
}

func (p *Page) click(w wanted) {
	p.t.Helper()
	p.act(w, func(n node) error {
		object, err := p.ready(n)
		if err != nil {
			return err
		}
		x, y, err := p.place(n)
		if err != nil {
			return err
		}
		if err := p.uncovered(object, x, y); err != nil {
			return err
		}
		for _, e := range []input.DispatchMouseEventParams{
			{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y},
			{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1},
			{Type: input.DispatchMouseEventTypeMouseReleased, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1},
		} {
			if err := call(p, input.DispatchMouseEvent, e); err != nil {
				return err
			}
		}
		return nil
	})
	p.settle()
}

// place gives the middle of the first of the node's boxes that has a size.
func (p *Page) place(n node) (x, y float64, err error) {
	res, err := ask(p, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: n.id})
	if err != nil {
		return 0, 0, fmt.Errorf("it is not in sight: %w", err)
	}
	for _, q := range res.Quads {
		if len(q) == 8 && (q[2]-q[0] != 0 || q[4]-q[0] != 0) && q[5]-q[1] != 0 {
			return (q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4, nil
		}
	}
	return 0, 0, errors.New("it has no size")
}

// uncovered tells what a finger would meet instead. The label of a field, and
// what lies inside or around the thing itself, will do.
func (p *Page) uncovered(object runtime.RemoteObjectID, x, y float64) error {
	over, err := on[string](p, object, `function(x, y) {
		const hit = document.elementFromPoint(x, y);
		const me = this.nodeType === Node.TEXT_NODE ? this.parentElement : this;
		if (!hit) return "nothing: it is outside the window";
		if (me.contains(hit) || hit.contains(me)) return "";
		if (me.labels && [...me.labels].some(l => l.contains(hit))) return "";
		return hit.outerHTML.slice(0, 200);
	}`, x, y)
	if err != nil {
		return err
	}
	if over != "" {
		return fmt.Errorf("it is covered by %s", over)
	}
	return nil
}
