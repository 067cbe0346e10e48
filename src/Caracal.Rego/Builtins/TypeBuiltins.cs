using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins that ask for or change the type of a value.</summary>
internal static class TypeBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("is_null", ["any"], static (in c) => Is(c, RegoKind.Null));
        all.Add("is_boolean", ["any"], static (in c) => Is(c, RegoKind.Boolean));
        all.Add("is_number", ["any"], static (in c) => Is(c, RegoKind.Number));
        all.Add("is_string", ["any"], static (in c) => Is(c, RegoKind.String));
        all.Add("is_array", ["any"], static (in c) => Is(c, RegoKind.Array));
        all.Add("is_object", ["any"], static (in c) => Is(c, RegoKind.Object));
        all.Add("is_set", ["any"], static (in c) => Is(c, RegoKind.Set));
        all.Add("type_name", ["any"], static (in c) => RegoValue.String(Builtin.KindName(c[0].Kind)));
        all.Add("to_number", ["null|boolean|number|string"], ToNumber);
        all.Add("trace", ["string"], static (in _) => RegoValue.True);
        all.Add(Cast("cast_array", "array|set", static (in c) => c[0] is SetValue s ? new ArrayValue([.. s.Sorted]) : c[0]));
        all.Add(Cast("cast_set", "array|set", static (in c) => c[0] is ArrayValue a ? RegoValue.Set(a.Items) : c[0]));
        all.Add(Cast("cast_string", "string", static (in c) => c[0]));
        all.Add(Cast("cast_boolean", "boolean", static (in c) => c[0]));
        all.Add(Cast("cast_null", "null", static (in c) => c[0]));
        all.Add(Cast("cast_object", "object", static (in c) => c[0]));
    }

    private static Builtin Cast(string name, string operand, BuiltinBody body) => new(name, [operand], body) { IsDeprecated = true, TakesAnyLiteral = true };

    private static RegoValue Is(in BuiltinCall c, RegoKind kind) => RegoValue.Boolean(c[0].Kind == kind);

    private static RegoValue? ToNumber(in BuiltinCall c)
    {
        switch (c[0].Kind)
        {
            case RegoKind.Null: return NumberValue.From(0);
            case RegoKind.Boolean: return NumberValue.From(c[0].AsBoolean() ? 1 : 0);
            case RegoKind.Number: return c[0];
        }

        var text = c.Text(0);
        if (DecimalText.TryParse(text, out var number) && !text.StartsWith('.') && !text.StartsWith("-.", StringComparison.Ordinal)) return number;
        var bare = text.TrimStart('+', '-');
        if (bare.Equals("inf", StringComparison.OrdinalIgnoreCase) || bare.Equals("infinity", StringComparison.OrdinalIgnoreCase) || bare.Equals("nan", StringComparison.OrdinalIgnoreCase))
            return c.WrongOperand(0, "valid number string", text);
        return c.Fail("invalid syntax");
    }
}
