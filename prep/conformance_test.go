package prep_test

import (
	"testing"

	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
)

func TestConformance(t *testing.T) {
	modeltest.Check(t, prep.Standard{})
	modeltest.Check(t, prep.Standard{NoMean: true})
	modeltest.Check(t, prep.Standard{NoStd: true})
}
