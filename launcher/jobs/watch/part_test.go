package watch_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"halorun/launcher/jobs/watch"
	"halorun/ranks"
	"halorun/ranks/folder"
)

// Each name of a Part is one that ranks say, of the same kind.
func TestPartNames(t *testing.T) {
	said := make(map[string]any)
	for _, result := range []any{ranks.Result{}, folder.Result{}} {
		b, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &said); err != nil {
			t.Fatal(err)
		}
	}
	part := reflect.TypeFor[watch.Part]()
	for i := range part.NumField() {
		name := part.Field(i).Tag.Get("json")
		value, ok := said[name]
		if !ok {
			t.Errorf("no rank says %q", name)
			continue
		}
		b, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, new(watch.Part)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := watch.Rank{Result: json.RawMessage(`{"computed":5,"seconds":{"halo":1.5},"epoch":2}`)}
	if p := r.Part(); p.Computed != 5 || p.Seconds["halo"] != 1.5 || p.Epoch != 2 {
		t.Errorf("%+v", p)
	}
}
