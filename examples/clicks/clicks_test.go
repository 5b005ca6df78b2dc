package main

import (
	"context"
	"testing"
)

func TestRun(t *testing.T) {
	found, err := run(context.Background(), 100, 30, 8000)
	if err != nil {
		t.Fatal(err)
	}
	logistic, machine, truth := found[0], found[1], found[2]
	if machine.logLoss > logistic.logLoss-0.02 || machine.auc < logistic.auc+0.02 {
		t.Errorf("log-loss %v and AUC %v, of logistic regression %v and %v", machine.logLoss, machine.auc, logistic.logLoss, logistic.auc)
	}
	if truth.logLoss > machine.logLoss {
		t.Errorf("log-loss %v is below that of the truth, %v", machine.logLoss, truth.logLoss)
	}
}
