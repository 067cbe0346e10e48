using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>The operators, and what the syntax compiles to.</summary>
internal static class Operators
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("plus", ["number", "number"], static (in c) => Arithmetic.Add(c.Number(0), c.Number(1)));
        all.Add("minus", ["number|set", "number|set"], Minus);
        all.Add("mul", ["number", "number"], static (in c) => Arithmetic.Multiply(c.Number(0), c.Number(1)));
        all.Add("div", ["number", "number"], static (in c) => Arithmetic.Divide(c.Number(0), c.Number(1)));
        all.Add("rem", ["number", "number"], static (in c) => Arithmetic.Remainder(c.Number(0), c.Number(1)));
        all.Add("and", ["set", "set"], static (in c) => Intersection((SetValue)c[0], (SetValue)c[1]));
        all.Add("or", ["set", "set"], static (in c) => Union((SetValue)c[0], (SetValue)c[1]));
        all.Add(new Builtin("set_diff", ["set", "set"], static (in c) => Difference((SetValue)c[0], (SetValue)c[1])) { IsDeprecated = true });
        all.Add("equal", ["any", "any"], static (in c) => RegoValue.Boolean(Same(c)));
        all.Add("eq", ["any", "any"], static (in c) => RegoValue.Boolean(Same(c)));
        all.Add("assign", ["any", "any"], static (in c) => RegoValue.Boolean(Same(c)));
        all.Add("neq", ["any", "any"], static (in c) => RegoValue.Boolean(!Same(c)));
        all.Add("lt", ["any", "any"], static (in c) => RegoValue.Boolean(Order(c) < 0));
        all.Add("lte", ["any", "any"], static (in c) => RegoValue.Boolean(Order(c) <= 0));
        all.Add("gt", ["any", "any"], static (in c) => RegoValue.Boolean(Order(c) > 0));
        all.Add("gte", ["any", "any"], static (in c) => RegoValue.Boolean(Order(c) >= 0));
        all.Add("internal.member_2", ["any", "any"], static (in c) => RegoValue.Boolean(Contains(c, c[1], c[0])));
        all.Add("internal.member_3", ["any", "any", "any"], static (in c) => RegoValue.Boolean(c[2].Find(c[0]) is { } v && v.Equals(c[1])));
        all.Add("internal.template_string", ["array"], Template);
    }

    private static bool Same(in BuiltinCall c)
    {
        c.Context.ChargeComparison(c[0], c[1]);
        return c[0].Equals(c[1]);
    }

    private static int Order(in BuiltinCall c)
    {
        c.Context.ChargeComparison(c[0], c[1]);
        return ValueOrder.Compare(c[0], c[1]);
    }

    /// <summary>Names that stand for operators of the syntax.</summary>
    public static bool IsOperator(string name) => name is "plus" or "minus" or "mul" or "div" or "rem" or "and" or "or"
        or "equal" or "eq" or "assign" or "neq" or "lt" or "lte" or "gt" or "gte";

    public static SetValue Union(SetValue a, SetValue b)
    {
        var builder = new SetBuilder(a.Count + b.Count);
        for (var i = 0; i < a.Count; i++) builder.Add(a.MemberAt(i));
        for (var i = 0; i < b.Count; i++) builder.Add(b.MemberAt(i));
        return builder.Build();
    }

    public static SetValue Intersection(SetValue a, SetValue b)
    {
        if (a.Count > b.Count) (a, b) = (b, a);
        var builder = new SetBuilder();
        for (var i = 0; i < a.Count; i++)
        {
            if (b.Contains(a.MemberAt(i))) builder.Add(a.MemberAt(i));
        }

        return builder.Build();
    }

    private static SetValue Difference(SetValue a, SetValue b)
    {
        var builder = new SetBuilder();
        for (var i = 0; i < a.Count; i++)
        {
            if (!b.Contains(a.MemberAt(i))) builder.Add(a.MemberAt(i));
        }

        return builder.Build();
    }

    private static RegoValue? Minus(in BuiltinCall c)
    {
        if (c[0] is NumberValue a && c[1] is NumberValue b) return Arithmetic.Subtract(a, b);
        if (c[0] is SetValue s && c[1] is SetValue t) return Difference(s, t);
        return c.WrongOperand(1, c[0] is NumberValue ? "number" : "set", Builtin.KindName(c[1].Kind));
    }

    private static bool Contains(in BuiltinCall c, RegoValue collection, RegoValue item)
    {
        c.Context.ChargeComparison(item, collection);
        switch (collection)
        {
            case SetValue s: return s.Contains(item);
            case ArrayValue a:
                c.Context.Charge(a.Count / 8);
                foreach (var member in a.Span)
                {
                    if (member.Equals(item)) return true;
                }

                return false;
            case ObjectValue o:
                c.Context.Charge(o.Count / 8);
                for (var i = 0; i < o.Count; i++)
                {
                    if (o.ValueAt(i).Equals(item)) return true;
                }

                return false;
            default: return false;
        }
    }

    private static RegoValue? Template(in BuiltinCall c)
    {
        var sb = new System.Text.StringBuilder();
        c.Context.ChargeText(c[0]);
        foreach (var part in ((ArrayValue)c[0]).Span)
        {
            if (part is StringValue text) sb.Append(text.Text);
            else if (part is SetValue { Count: 0 }) sb.Append("<undefined>");
            else if (part is SetValue { Count: 1 } one) sb.Append(one.MemberAt(0) is StringValue s ? s.Text : ValueText.Of(one.MemberAt(0)));
            else throw new Evaluation.EvalException("eval_conflict_error", "template-strings must not produce multiple outputs", c.Context.Place);
            if (sb.Length > c.Context.Limits.StringLength) throw c.Context.Limit("string too long");
        }

        return RegoValue.String(sb.ToString());
    }
}
