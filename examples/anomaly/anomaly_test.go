package main

import (
	"context"
	"testing"
)

func TestRun(t *testing.T) {
	r, err := run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.components != 2 {
		t.Errorf("%d components, the telemetry has 2", r.components)
	}
	if r.ordinary > 3*quantile {
		t.Errorf("%v of ordinary rows are reported", r.ordinary)
	}
	if r.incidents < 0.99 {
		t.Errorf("%v of incidents are found", r.incidents)
	}
	if r.moved < 0.2 {
		t.Errorf("%v of rows after the change are reported", r.moved)
	}
	if r.movedLearnt > 5*quantile {
		t.Errorf("%v are still reported when the model has learnt", r.movedLearnt)
	}
}
