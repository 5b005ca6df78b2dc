package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The places of a tree's parts, in bytes: those of hist.Tree.
const (
	scoreFeatures = 0
	scoreBins     = 32
	scoreWant     = 64
	scoreMask     = 192
	scoreValues   = 320
	scoreMissing  = 576
)

// scoreFile emits the scores of rows of bins by small trees, for rows of up to 16 to 64
// bytes.
func scoreFile(c *build.Context) {
	for chunks := 1; chunks <= 4; chunks++ {
		score(c, chunks)
	}
}

// score emits a loop over trees and, within it, one over rows. All of a tree is in registers
// while the rows pass.
func score(c *build.Context, chunks int) {
	c.Function(fmt.Sprintf("score%dAVX2", chunks))
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc(fmt.Sprintf("Adds the values of trees, step bytes apart, to the scores, to bytes apart, of rows of %d bytes:", 16*chunks),
		"\tfor range trees { for i := range n { scores[i*to/8] += leaf(tree, rows[i]) }; tree += step }",
		"missing tells whether any bin may be that of a missing value.")
	c.SignatureExpr("func(scores *float64, to int, rows *uint8, n int, tree *uint8, step, trees int, missing bool)")
	param := func(name string) reg.GPVirtual { return c.Load(c.Param(name), c.GP64()).(reg.GPVirtual) }
	scores, to, rows, n := param("scores"), param("to"), param("rows"), param("n")
	tree, step, trees := param("tree"), param("step"), param("trees")

	shuffle := make([]reg.VecVirtual, chunks)
	for i := range shuffle {
		shuffle[i] = c.YMM()
	}
	bins, ones := c.YMM(), c.YMM()
	mask, missing, some := make([]reg.VecVirtual, 4), c.GP32(), c.GP32()
	c.Load(c.Param("missing"), some.As8())
	for i := range mask {
		mask[i] = c.YMM()
	}
	c.VPCMPEQB(ones, ones, ones)

	c.Label("tree")
	scoreShuffles(c, tree, shuffle)
	c.VMOVDQU(Mem{Base: tree, Disp: scoreBins}, bins)
	for i, m := range mask {
		c.VMOVDQU(Mem{Base: tree, Disp: scoreMask + 32*i}, m)
	}
	row, out, left := c.GP64(), c.GP64(), c.GP64()
	c.MOVQ(rows, row)
	c.MOVQ(scores, out)
	c.MOVQ(n, left)

	c.Label("row")
	b := c.YMM()
	for i, s := range shuffle {
		v := c.YMM()
		c.VBROADCASTI128(Mem{Base: row, Disp: 16 * i}, v)
		c.VPSHUFB(s, v, v)
		if i == 0 {
			b = v
		} else {
			c.VPOR(v, b, b)
		}
	}
	least, goes := c.YMM(), c.GP32()
	c.VPMINUB(bins, b, least)
	c.VPCMPEQB(b, least, least) // those that go left
	c.VPMOVMSKB(least, goes)
	c.TESTB(some.As8(), some.As8())
	c.JZ(LabelRef("known"))
	c.VPCMPEQB(ones, b, b)
	c.VPMOVMSKB(b, missing)
	c.ANDL(Mem{Base: tree, Disp: scoreMissing}, missing)
	c.ORL(missing, goes)
	c.Label("known")
	all := c.YMM()
	c.VMOVD(goes, all.AsX())
	c.VPBROADCASTD(all.AsX(), all)
	hit := make([]reg.VecVirtual, 4)
	for i, m := range mask {
		hit[i] = c.YMM()
		c.VPAND(m, all, hit[i])
		c.VPCMPEQD(Mem{Base: tree, Disp: scoreWant + 32*i}, hit[i], hit[i])
	}
	c.VPACKSSDW(hit[1], hit[0], hit[0])
	c.VPACKSSDW(hit[3], hit[2], hit[2])
	c.VPACKSSWB(hit[2], hit[0], hit[0])
	leaf := c.GP64()
	c.VPMOVMSKB(hit[0], leaf.As32())
	c.BSFL(leaf.As32(), leaf.As32())
	sum := c.XMM()
	c.VMOVSD(Mem{Base: out}, sum)
	c.VADDSD(Mem{Base: tree, Disp: scoreValues, Index: leaf, Scale: 8}, sum, sum)
	c.VMOVSD(sum, Mem{Base: out})
	c.ADDQ(to, out)
	c.ADDQ(Imm(uint64(16*chunks)), row)
	c.DECQ(left)
	c.JNZ(LabelRef("row"))

	c.ADDQ(step, tree)
	c.DECQ(trees)
	c.JNZ(LabelRef("tree"))
	c.VZEROUPPER()
	c.RET()
}

// scoreShuffles makes, of the features of nodes, the places in each 16 bytes of a row, with
// bit 7 set for those in others: VPSHUFB gives 0 there.
func scoreShuffles(c *build.Context, tree reg.GPVirtual, shuffle []reg.VecVirtual) {
	features, sixteen, seventy, r := c.YMM(), c.YMM(), c.YMM(), c.GP32()
	c.VMOVDQU(Mem{Base: tree, Disp: scoreFeatures}, features)
	for _, v := range []struct {
		to  reg.VecVirtual
		val uint32
	}{{sixteen, 0x10101010}, {seventy, 0x70707070}} {
		c.MOVL(U32(v.val), r)
		c.VMOVD(r, v.to.AsX())
		c.VPBROADCASTD(v.to.AsX(), v.to)
	}
	for i, s := range shuffle {
		c.VPADDUSB(seventy, features, s)
		if i < len(shuffle)-1 {
			c.VPSUBB(sixteen, features, features)
		}
	}
}
