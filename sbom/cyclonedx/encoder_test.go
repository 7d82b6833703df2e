package cyclonedx_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// TestEncoder: one Encoder writes what Encode writes, of components that it
// knows and of those that it does not, wherever they stand.
func TestEncoder(t *testing.T) {
	var e cyclonedx.Encoder
	check := func(inv *sbom.Inventory, opt cyclonedx.Options) {
		t.Helper()
		var got, want bytes.Buffer
		if err := cyclonedx.Encode(&want, inv, opt); err != nil {
			t.Fatal(err)
		}
		if err := e.Encode(&got, inv, opt); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("got  %s\nwant %s", got.Bytes(), want.Bytes())
		}
	}
	for seed := range uint64(100) {
		g := newGen(seed)
		inv := g.inventory()
		for _, v := range cyclonedx.SpecVersions() {
			for _, opt := range []cyclonedx.Options{{}, {Files: true, Declarations: g.declarations(), Annotations: g.annotations(inv)}, {Pretty: true}, {Format: cyclonedx.XML}} {
				opt.SpecVersion = v
				check(inv, opt)
			}
		}
		// The same components in another image: one more layer, fewer components.
		inv.Layers = append(inv.Layers, sbom.Layer{DiffID: "sha256:another"})
		check(inv, cyclonedx.Options{})
		inv.Components = inv.Components[:len(inv.Components)/2]
		check(inv, cyclonedx.Options{})
	}
	check(&sbom.Inventory{}, cyclonedx.Options{})
	for _, opt := range []cyclonedx.Options{{Format: "yaml"}, {SpecVersion: "1.0"}} {
		var got, want bytes.Buffer
		err, wantErr := e.Encode(&got, &sbom.Inventory{}, opt), cyclonedx.Encode(&want, &sbom.Inventory{}, opt)
		if err == nil || wantErr == nil || err.Error() != wantErr.Error() || got.Len() > 0 {
			t.Errorf("%+v: %v, want %v; %s", opt, err, wantErr, got.Bytes())
		}
	}
}

// TestEncoderKnowsAllFields: whatever field of a component changes, the Encoder
// does not take it for what it was.
func TestEncoderKnowsAllFields(t *testing.T) {
	full := sbom.Component{Ref: "ref"}
	fill(reflect.ValueOf(&full).Elem())
	full.Ref = "ref"
	was := string(cyclonedx.Key(&full))
	fields := 0
	change(reflect.ValueOf(&full).Elem(), "Component", func(field string) {
		fields++
		if string(cyclonedx.Key(&full)) == was {
			t.Errorf("%s changed, and its key did not", field)
		}
	})
	if fields < 40 {
		t.Errorf("only %d fields were changed", fields)
	}
}

// fill gives every field a value and every list one element.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Int:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

// change changes one value after the other, and back.
func change(v reflect.Value, name string, look func(string)) {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Int:
		v.SetInt(2)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		change(v.Index(0), name+"[0]", look)
		v.Set(reflect.AppendSlice(v, v))
	case reflect.Struct:
		for i := range v.NumField() {
			change(v.Field(i), name+"."+v.Type().Field(i).Name, look)
		}
		return
	}
	look(name)
	v.Set(old)
}
