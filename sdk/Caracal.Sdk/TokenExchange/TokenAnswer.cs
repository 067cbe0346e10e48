using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Caracal.Sdk.TokenExchange;

/// <summary>Reads an answer of the token endpoint without making more of it than is asked for.</summary>
internal static class TokenAnswer
{
    private const int LargestBody = 64 * 1024;

    /// <summary>The token with <paramref name="prefix"/> before it, made in one piece; the lifetime; and, if wanted, the targets.</summary>
    public static (string Token, int ExpiresIn, IReadOnlyList<string> Targets) Read(ReadOnlySpan<byte> body, string prefix, bool wantTargets)
    {
        string? token = null;
        long expiresIn = 0;
        List<string>? targets = null;
        try
        {
            var reader = new Utf8JsonReader(body);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Invalid();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("access_token"u8)) token = Token(ref reader, prefix);
                else if (reader.ValueTextEquals("token_type"u8)) RequireBearer(ref reader);
                else if (reader.ValueTextEquals("expires_in"u8)) expiresIn = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var seconds) ? seconds : 0;
                else if (wantTargets && reader.ValueTextEquals("target_resources"u8)) targets = Texts(ref reader);
                else Skip(ref reader);
            }
        }
        catch (JsonException)
        {
            throw Invalid();
        }

        return token is not null && expiresIn is > 0 and <= int.MaxValue ? (token, (int)expiresIn, targets ?? (IReadOnlyList<string>)[]) : throw Invalid();
    }

    /// <summary>The error an answer describes.</summary>
    public static CaracalException Error(int status, ReadOnlySpan<byte> body)
    {
        var error = SdkJson.TryRead(body, SdkJson.Default.TokenError) ?? new TokenError();
        var code = error.Error is { Length: > 0 } ? error.Error : status >= 500 || status == 0 ? CaracalErrorCodes.StsUnavailable : "http_" + status.ToString(CultureInfo.InvariantCulture);
        var message = error.ErrorDescription is { Length: > 0 } text ? text : $"the STS answered {status}";
        if (code != CaracalErrorCodes.InteractionRequired || error.ApprovalId is not { Length: > 0 } approval)
        {
            return new CaracalException(code, message, status, error.RequestId);
        }

        return new ApprovalRequiredException(approval, message, status, error.RequestId)
        {
            State = error.State,
            Tier = error.Tier,
            Binding = error.Binding,
            Resource = error.Resource,
            ExpiresAt = DateTimeOffset.TryParse(error.ApprovalExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end : null,
        };
    }

    /// <summary>Reads a whole body into a rented buffer.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<(byte[] Buffer, int Length)> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(8192);
        var length = 0;
        try
        {
            while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                length += read;
                if (length < buffer.Length) continue;
                if (length >= LargestBody) throw Invalid();
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, length).CopyTo(larger);
                Return(buffer);
                buffer = larger;
            }

            return (buffer, length);
        }
        catch
        {
            Return(buffer);
            throw;
        }
    }

    /// <summary>Gives a buffer back with nothing in it: it held a token.</summary>
    public static void Return(byte[] buffer) => ArrayPool<byte>.Shared.Return(buffer, clearArray: true);

    private static string? Token(ref Utf8JsonReader reader, string prefix)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String) throw Invalid();
        if (reader.ValueIsEscaped || reader.HasValueSequence) return reader.GetString() is { Length: > 0 } text ? prefix + text : null;
        var token = reader.ValueSpan;
        return token.IsEmpty ? null : string.Create(prefix.Length + Encoding.UTF8.GetCharCount(token), new State(token, prefix), static (characters, state) =>
        {
            state.Prefix.CopyTo(characters);
            Encoding.UTF8.GetChars(state.Token, characters[state.Prefix.Length..]);
        });
    }

    private static void RequireBearer(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || !reader.ValueTextEquals("Bearer"u8)) throw Invalid();
    }

    private static List<string> Texts(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw Invalid();
        var texts = new List<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.String) texts.Add(reader.GetString()!);
        return reader.TokenType == JsonTokenType.EndArray ? texts : throw Invalid();
    }

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static CaracalException Invalid() => new(CaracalErrorCodes.StsUnavailable, "the STS answered with a token that cannot be read", 502);

    private readonly ref struct State(ReadOnlySpan<byte> token, string prefix)
    {
        public readonly ReadOnlySpan<byte> Token = token;
        public readonly string Prefix = prefix;
    }
}
