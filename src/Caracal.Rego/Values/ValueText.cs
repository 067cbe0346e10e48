using System.Text;

namespace Caracal.Rego.Values;

/// <summary>The text form of values, used by sprintf, templates and error texts.</summary>
internal static class ValueText
{
    public static string Of(RegoValue value)
    {
        if (value.Kind <= RegoKind.Number) return Scalar(value);
        var sb = new StringBuilder();
        Append(sb, value);
        return sb.ToString();
    }

    private static string Scalar(RegoValue value) => value.Kind switch
    {
        RegoKind.Null => "null",
        RegoKind.Boolean => value.AsBoolean() ? "true" : "false",
        _ => ((Numbers.NumberValue)value).Text,
    };

    private static void Append(StringBuilder sb, RegoValue value)
    {
        switch (value)
        {
            case StringValue s:
                JsonText.AppendQuoted(sb, s.Text);
                break;
            case ArrayValue a:
                AppendList(sb, '[', a.Span, ']');
                break;
            case SetValue { Count: 0 }:
                sb.Append("set()");
                break;
            case SetValue s:
                AppendList(sb, '{', s.Sorted, '}');
                break;
            case ObjectValue o:
                sb.Append('{');
                var first = true;
                foreach (var (k, v) in o.Properties)
                {
                    if (!first) sb.Append(", ");
                    first = false;
                    Append(sb, k);
                    sb.Append(": ");
                    Append(sb, v);
                }

                sb.Append('}');
                break;
            default:
                sb.Append(Scalar(value));
                break;
        }
    }

    private static void AppendList(StringBuilder sb, char open, ReadOnlySpan<RegoValue> items, char close)
    {
        sb.Append(open);
        for (var i = 0; i < items.Length; i++)
        {
            if (i > 0) sb.Append(", ");
            Append(sb, items[i]);
        }

        sb.Append(close);
    }
}
