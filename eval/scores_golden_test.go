package eval

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

// scoresGolden is testdata/scores.json.
type scoresGolden struct {
	Binary []struct {
		Name                                   string
		Y                                      []int
		Score, W                               []float64
		AUC, AP                                float64
		FPR, TPR, Threshold, Precision, Recall []float64
	}
	Multiclass []struct {
		Name          string
		Y             []int
		Proba, W, Top []float64
		Brier         float64
		OvRMacro      float64  `json:"ovr_macro"`
		OvRMicro      float64  `json:"ovr_micro"`
		OvRWeighted   float64  `json:"ovr_weighted"`
		OvOMacro      *float64 `json:"ovo_macro"`
		OvOWeighted   *float64 `json:"ovo_weighted"`
		APMacro       float64  `json:"ap_macro"`
		APMicro       float64  `json:"ap_micro"`
		APWeighted    float64  `json:"ap_weighted"`
	}
	Classes []struct {
		Name                   string
		K                      int
		Y, Pred                []int
		W                      []float64
		Macro, Micro, Weighted []float64
		Balanced, Matthews     float64
		Kappa                  []*float64
	}
	Regression []struct {
		Name         string
		Y, Pred, W   []float64
		MSE, MAE, R2 float64
		Pinball      []float64
		Tweedie      map[string]float64
	}
	Clusters []struct {
		Name               string
		A, B               []int
		Rand, MI, NMI, AMI float64
	}
	Silhouette []struct {
		Name       string
		X, Samples []float64
		Labels     []int
		Mean       float64
	}
	NDCG []struct {
		Name                      string
		Items                     int
		Relevance, Score, W, NDCG []float64
	}
	Calibration []struct {
		Name              string
		Y                 []int
		P                 []float64
		Uniform, Quantile struct{ Observed, Predicted []float64 }
	}
	McNemar []struct {
		A, B int
		P    float64
	}
}

func readScores(t *testing.T) (g scoresGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/scores.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// against returns a test of results against golden ones, to 1e-12.
func against(t *testing.T, name string) func(what string, got float64, err error, want float64) {
	return func(what string, got float64, err error, want float64) {
		t.Helper()
		if d := math.Abs(got - want); err != nil || !(d <= 1e-12*max(1, math.Abs(want))) {
			t.Errorf("%s: %s = %v, %v, want %v", name, what, got, err, want)
		}
	}
}

func sameAll(t *testing.T, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", name, len(got), len(want))
		return
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= 1e-12*max(1, math.Abs(want[i]))) {
			t.Errorf("%s: number %d is %v, want %v", name, i, got[i], want[i])
		}
	}
}

func TestBinaryScoresGolden(t *testing.T) {
	for _, g := range readScores(t).Binary {
		check := against(t, g.Name)
		auc, err := AUC(g.Y, g.Score, g.W)
		check("AUC", auc, err, g.AUC)
		ap, err := AveragePrecision(g.Y, g.Score, g.W)
		check("average precision", ap, err, g.AP)
		c, err := NewCuts(g.Y, g.Score, g.W)
		if err != nil {
			t.Fatal(err)
		}
		check("area under the ROC curve", c.ROC().Area(), nil, g.AUC)
		if g.FPR == nil {
			continue
		}
		roc, pr := c.ROC(), c.PrecisionRecall()
		sameAll(t, g.Name+": false positive rate", roc.X, g.FPR)
		sameAll(t, g.Name+": true positive rate", roc.Y, g.TPR)
		sameAll(t, g.Name+": threshold", roc.Threshold[1:], g.Threshold)
		sameAll(t, g.Name+": recall", pr.X, g.Recall)
		sameAll(t, g.Name+": precision", pr.Y, g.Precision)
	}
}

func TestMulticlassScoresGolden(t *testing.T) {
	for _, g := range readScores(t).Multiclass {
		check := against(t, g.Name)
		for _, c := range []struct {
			avg Average
			auc float64
			ap  float64
		}{{Macro, g.OvRMacro, g.APMacro}, {Micro, g.OvRMicro, g.APMicro}, {Weighted, g.OvRWeighted, g.APWeighted}} {
			auc, err := AUCOvR(g.Y, g.Proba, g.W, c.avg)
			check("AUCOvR "+c.avg.String(), auc, err, c.auc)
			ap, err := AveragePrecisionOvR(g.Y, g.Proba, g.W, c.avg)
			check("AveragePrecisionOvR "+c.avg.String(), ap, err, c.ap)
		}
		if g.OvOMacro != nil {
			auc, err := AUCOvO(g.Y, g.Proba, nil, Macro)
			check("AUCOvO macro", auc, err, *g.OvOMacro)
			auc, err = AUCOvO(g.Y, g.Proba, nil, Weighted)
			check("AUCOvO weighted", auc, err, *g.OvOWeighted)
		}
		brier, err := Brier(g.Y, g.Proba, g.W)
		check("Brier", brier, err, g.Brier)
		if g.Name == "coarse" {
			continue // ties go to the other class there
		}
		for k, want := range g.Top {
			top, err := TopKAccuracy(g.Y, g.Proba, k+1, g.W)
			check("top", top, err, want)
		}
	}
}

func TestClassScoresGolden(t *testing.T) {
	for _, g := range readScores(t).Classes {
		check := against(t, g.Name)
		c, err := Confusion(g.K, g.Y, g.Pred, g.W)
		if err != nil {
			t.Fatal(err)
		}
		for avg, want := range map[Average][]float64{Macro: g.Macro, Micro: g.Micro, Weighted: g.Weighted} {
			check(avg.String()+" precision", c.MeanPrecision(avg), nil, want[0])
			check(avg.String()+" recall", c.MeanRecall(avg), nil, want[1])
			check(avg.String()+" F2", c.MeanFBeta(2, avg), nil, want[2])
			check(avg.String()+" F0.5", c.MeanFBeta(0.5, avg), nil, want[3])
		}
		check("macro F1", c.MeanFBeta(1, Macro), nil, c.MacroF1())
		check("balanced accuracy", c.BalancedAccuracy(), nil, g.Balanced)
		check("Matthews", c.Matthews(), nil, g.Matthews)
		for d, want := range g.Kappa {
			if want == nil { // chance explains everything
				want = new(float64)
			}
			check("kappa", c.Kappa(Disagreement(d)), nil, *want)
		}
	}
}

func TestRegressionScoresGolden(t *testing.T) {
	for _, g := range readScores(t).Regression {
		check := against(t, g.Name)
		mse, err := MSE(g.Y, g.Pred, g.W)
		check("MSE", mse, err, g.MSE)
		mae, err := MAE(g.Y, g.Pred, g.W)
		check("MAE", mae, err, g.MAE)
		r2, err := R2(g.Y, g.Pred, g.W)
		check("R²", r2, err, g.R2)
		for i, q := range []float64{0, 0.1, 0.5, 0.9, 1} {
			loss, err := Pinball(g.Y, g.Pred, g.W, q)
			check("pinball", loss, err, g.Pinball[i])
		}
		for _, name := range []string{"-1", "0", "1", "1.5", "2", "3"} {
			power, _ := strconv.ParseFloat(name, 64)
			d, err := TweedieDeviance(g.Y, g.Pred, g.W, power)
			if want, ok := g.Tweedie[name]; ok {
				check("deviance of power "+name, d, err, want)
			} else if err == nil {
				t.Errorf("%s: deviance of power %s is %v, want an error", g.Name, name, d)
			}
		}
	}
}

func TestClusterScoresGolden(t *testing.T) {
	for _, g := range readScores(t).Clusters {
		for _, swap := range []bool{false, true} { // all are symmetric
			if swap {
				g.A, g.B = g.B, g.A
			}
			check := against(t, g.Name)
			v, err := AdjustedRand(g.A, g.B)
			check("adjusted Rand", v, err, g.Rand)
			v, err = MutualInfo(g.A, g.B, nil)
			check("mutual information", v, err, g.MI)
			v, err = NormalizedMutualInfo(g.A, g.B, nil)
			check("normalized mutual information", v, err, g.NMI)
			v, err = AdjustedMutualInfo(g.A, g.B)
			check("adjusted mutual information", v, err, g.AMI)
		}
	}
}

func TestSilhouetteGolden(t *testing.T) {
	ctx := context.Background()
	for _, g := range readScores(t).Silhouette {
		X := linalg.NewDense(len(g.Labels), len(g.X)/len(g.Labels), g.X)
		s, err := SilhouetteSamples(ctx, nil, X, g.Labels)
		if err != nil {
			t.Fatal(err)
		}
		sameAll(t, g.Name, s, g.Samples)
		mean, err := Silhouette(ctx, X, g.Labels)
		against(t, g.Name)("mean", mean, err, g.Mean)
	}
}

func TestNDCGGolden(t *testing.T) {
	for _, g := range readScores(t).NDCG {
		var rel, score [][]float64
		for at := 0; at < len(g.Score); at += g.Items {
			rel, score = append(rel, g.Relevance[at:at+g.Items]), append(score, g.Score[at:at+g.Items])
		}
		for i, want := range g.NDCG {
			v, err := MeanNDCG(rel, score, i+1, g.W)
			against(t, g.Name)("NDCG", v, err, want)
		}
	}
}

func TestCalibrationGolden(t *testing.T) {
	for _, g := range readScores(t).Calibration {
		for how, want := range []struct{ Observed, Predicted []float64 }{g.Uniform, g.Quantile} {
			c, err := Calibrate(g.Y, g.P, nil, 5, Binning(how))
			if err != nil {
				t.Fatal(err)
			}
			sameAll(t, g.Name+": observed", c.Observed, want.Observed)
			sameAll(t, g.Name+": predicted", c.Predicted, want.Predicted)
		}
	}
}

func TestMcNemarGolden(t *testing.T) {
	for _, g := range readScores(t).McNemar {
		n := g.A + g.B + 3
		y, a, b := make([]int, n), make([]int, n), make([]int, n)
		for i := range g.A {
			b[i] = 1
		}
		for i := range g.B {
			a[g.A+i] = 1
		}
		a[n-1], b[n-1] = 1, 1
		m, err := McNemar(y, a, b)
		against(t, "McNemar")("p", m.P, err, g.P)
		if m.OnlyA != g.A || m.OnlyB != g.B {
			t.Errorf("%+v, want %d and %d", m, g.A, g.B)
		}
	}
}
